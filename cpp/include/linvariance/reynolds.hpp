// Group averages without enumeration: means over the classes of a partition.
#pragma once

#include "linvariance/orbits.hpp"

namespace linvariance {

// out[r, i] = mean of values[r, j] over the j in the class of i.  On orbits this is the Reynolds operator W Pi; on
// orbitals, with the matrix as one row of d * d values, the group average mean_g rho(g) S rho(g)ᵀ.
template <class T>
void average(const ConstView<T>& values,  // (rows, points)
             const Label* labels,         // (points)
             Index classes, View<T>& out) {
    Vector<Index> sizes = Vector<Index>::Zero(classes);
    for (Index i = 0; i < values.cols(); ++i) ++sizes[labels[i]];
    Vector<T> mean(classes);
    for (Index r = 0; r < values.rows(); ++r) {
        mean.setZero();
        for (Index i = 0; i < values.cols(); ++i) mean[labels[i]] += values(r, i);
        for (Index k = 0; k < classes; ++k) mean[k] /= static_cast<T>(sizes[k]);
        for (Index i = 0; i < values.cols(); ++i) out(r, i) = mean[labels[i]];
    }
}

}  // namespace linvariance
