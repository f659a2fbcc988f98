// Group averages without enumeration: means over the classes of a partition.
#pragma once

#include "linvariance/orbits.hpp"

namespace linvariance {

// out[r, i] = sign_i · mean of sign_j values[r, j] over the j in the class of i.  On orbits this is the Reynolds
// operator W Pi; on orbitals, with the matrix as one row, the mean of rho_left(g) S rho_right(g)ᵀ over the group.
template <class T>
void average(const ConstView<T>& values,  // (rows, points)
             const Label* labels,         // (points)
             const Sign* signs,           // (points), or null
             Index classes, View<T>& out) {
    Vector<Index> sizes = Vector<Index>::Zero(classes);
    for (Index i = 0; i < values.cols(); ++i) ++sizes[labels[i]];
    Vector<T> mean(classes);
    for (Index r = 0; r < values.rows(); ++r) {
        mean.setZero();
        if (signs == nullptr) {
            for (Index i = 0; i < values.cols(); ++i) mean[labels[i]] += values(r, i);
        } else {
            for (Index i = 0; i < values.cols(); ++i) mean[labels[i]] += static_cast<T>(signs[i]) * values(r, i);
        }
        for (Index k = 0; k < classes; ++k) mean[k] /= static_cast<T>(sizes[k]);
        if (signs == nullptr) {
            for (Index i = 0; i < values.cols(); ++i) out(r, i) = mean[labels[i]];
        } else {
            for (Index i = 0; i < values.cols(); ++i) out(r, i) = static_cast<T>(signs[i]) * mean[labels[i]];
        }
    }
}

}  // namespace linvariance
