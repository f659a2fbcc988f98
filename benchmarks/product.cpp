// The packed product T = W S of the core's kernels, alone: W (h, d), S (d, d).
#include <vector>

#include "linvariance/kernels/products.hpp"

namespace {

using linvariance::Size;

template <class T>
double products(Size h, Size d, long times, const T* W, const T* S, T* out) {
    std::vector<T> packed(static_cast<std::size_t>(linvariance::packed_size<T>(d, d)));
    linvariance::pack<T>(d, d, {S, d, 1}, packed.data());
    for (long t = 0; t < times; ++t)
        linvariance::multiply_packed<T>(h, d, d, {W, d, 1}, packed.data(), {out, d, 1}, false);
    return 2.0 * static_cast<double>(h) * static_cast<double>(d) * static_cast<double>(d);  // operations of one
}

}  // namespace

extern "C" double products_float64(long h, long d, long times, const double* W, const double* S, double* out) {
    return products<double>(h, d, times, W, S, out);
}
extern "C" double products_float32(long h, long d, long times, const float* W, const float* S, float* out) {
    return products<float>(h, d, times, W, S, out);
}
