// Group averages without enumeration: means over the classes of a partition.
#pragma once

#include "linvariance/groups/orbits.hpp"

namespace linvariance {

// out[r, i] = sign_i · mean of sign_j values[r, j] over the j in the class of i.  On orbits this is the Reynolds
// operator W Pi; on orbitals, with the matrix as one row, the mean of rho_left(g) S rho_right(g)ᵀ over the group.
template <class T>
void average(const ConstView<T>& values,  // (rows, points)
             const Label* labels,         // (points)
             const Sign* signs,           // (points), or null
             Index classes, View<T>& out) {
    Vector<T> sizes = Vector<T>::Zero(classes), mean(classes);
    const auto sign = [signs](Index i) { return signs == nullptr ? T(1) : static_cast<T>(signs[i]); };
    for (Index r = 0; r < values.rows(); ++r) {
        mean.setZero();
        for (Index i = 0; i < values.cols(); ++i) {
            mean[labels[i]] += sign(i) * values(r, i);
            if (r == 0) sizes[labels[i]] += T(1);
        }
        mean.array() /= sizes.array();
        for (Index i = 0; i < values.cols(); ++i) out(r, i) = sign(i) * mean[labels[i]];
    }
}

}  // namespace linvariance
