// Singular values and left vectors of Z(strength) = [L, F diag(tau / h)], h = sqrt(tau² + strength), for many
// strengths.
#pragma once

#include <Eigen/QR>
#include <Eigen/SVD>

#include "linvariance/matrix.hpp"

namespace linvariance {

// By QR of Zᵀ and a one-sided Jacobi SVD of its triangle: a Gram matrix would lose half the digits of small values.
inline void path_spectra(const ConstView<double>& L,  // (d_L, k)
                         const ConstView<double>& F,  // (d_L, m)
                         const double* tau,           // (m)
                         const double* strengths, Index count,
                         double* sigma,   // (count, q), q = min(d_L, k + m), descending
                         double* left) {  // (count, d_L, q)
    const Index outputs = L.rows(), k = L.cols(), m = F.cols(), q = std::min(outputs, k + m);
    Eigen::MatrixXd Zt(k + m, outputs);
    Eigen::HouseholderQR<Eigen::MatrixXd> qr(k + m, outputs);
    Eigen::JacobiSVD<Eigen::MatrixXd, Eigen::NoQRPreconditioner> square(outputs, outputs, Eigen::ComputeFullV);
    Eigen::JacobiSVD<Eigen::MatrixXd> wide(k + m, outputs, Eigen::ComputeThinV);
    Zt.topRows(k) = L.transpose();
    for (Index i = 0; i < count; ++i) {
        const double root = std::sqrt(strengths[i]);
        for (Index j = 0; j < m; ++j) Zt.row(k + j) = (tau[j] / std::hypot(tau[j], root)) * F.col(j).transpose();
        Eigen::Map<Vector<double>> values(sigma + i * q, q);
        View<double> vectors(left + i * outputs * q, outputs, q);
        if (k + m >= outputs) {
            qr.compute(Zt);
            square.compute(qr.matrixQR().topRows(outputs).template triangularView<Eigen::Upper>().toDenseMatrix());
            values = square.singularValues();
            vectors = square.matrixV();
        } else {
            wide.compute(Zt);
            values = wide.singularValues();
            vectors = wide.matrixV();
        }
    }
}

}  // namespace linvariance
