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
    for (Index i = 0; i < values.cols(); ++i) sizes[labels[i]] += T(1);
    const auto replace = [&](const T* from, T* to, auto&& sign) {
        mean.setZero();
        for (Index i = 0; i < values.cols(); ++i) mean[labels[i]] += sign(i) * from[i];
        mean.array() /= sizes.array();
        for (Index i = 0; i < values.cols(); ++i) to[i] = sign(i) * mean[labels[i]];
    };
    for (Index r = 0; r < values.rows(); ++r) {
        const T* const from = values.data() + r * values.cols();
        T* const to = out.data() + r * values.cols();
        if (signs == nullptr) {
            replace(from, to, [](Index) { return T(1); });
        } else {
            replace(from, to, [signs](Index i) { return static_cast<T>(signs[i]); });
        }
    }
}

}  // namespace linvariance
