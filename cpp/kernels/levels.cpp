// The kernels' entry points, one for each instruction set, and the choice among them.
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "linvariance/kernels/elementary.hpp"
#include "linvariance/kernels/paths.hpp"

namespace linvariance {
namespace {

using bodies::Level;

// Each entry point inlines its body for its own target: nothing of a body exists out of line.
#define LINVARIANCE_LEVEL(NAMESPACE, TARGET, BYTES, ROWS, VECTORS, DOT_ROWS, DOT_COLUMNS, DEPTH)                    \
    namespace NAMESPACE {                                                                                           \
    template <class T>                                                                                              \
    using L = Level<T, BYTES, ROWS, VECTORS, DOT_ROWS, DOT_COLUMNS>;                                                \
    template <class T>                                                                                              \
    TARGET void panel(Size m, Size vectors, Size n, Size k, const Strided<const T>& A, const T* B, Size b_row,      \
                      Size b_last, const Strided<T>& C, bool onto) {                                                \
        bodies::panel<L<T>>(m, vectors, n, k, A, B, b_row, b_last, C, onto);                                        \
    }                                                                                                               \
    template <class T>                                                                                              \
    TARGET void dots(Size m, Size n, Size k, const T* A, Size a_row, const T* B, Size b_row, T* C, Size c_row,      \
                     bool onto) {                                                                                   \
        bodies::choose_dot_rows<L<T>, DOT_ROWS>(m, n, k, A, a_row, B, b_row, C, c_row, onto);                       \
    }                                                                                                               \
    template <class T>                                                                                              \
    TARGET bool turn(Size count, Size step, Size points, Size n, const Strided<const T>& M, const T* in, T* out) {  \
        return bodies::turn<L<T>>(count, step, points, n, M, in, out);                                              \
    }                                                                                                               \
    template <class T>                                                                                              \
    TARGET void adam(Size size, const AdamStep<T>& step, const T* g, T* w, T* m, T* v) {                            \
        bodies::adam(size, step, g, w, m, v);                                                                       \
    }                                                                                                               \
    template <class T>                                                                                              \
    TARGET void times(Size size, const T* a, const T* b, T* out) {                                                  \
        bodies::times(size, a, b, out);                                                                             \
    }                                                                                                               \
    template <class T>                                                                                              \
    TARGET void residual(Size size, const T* a, const T* b, T* out) {                                               \
        bodies::residual(size, a, b, out);                                                                          \
    }                                                                                                               \
    template <class T>                                                                                              \
    TARGET void scaled_residual(Size size, const T* s, const T* b, T* a) {                                          \
        bodies::scaled_residual(size, s, b, a);                                                                     \
    }                                                                                                               \
    template <class T>                                                                                              \
    TARGET void move(Size size, T rate, const T* g, T* w) {                                                         \
        bodies::move(size, rate, g, w);                                                                             \
    }                                                                                                               \
    template <class T>                                                                                              \
    TARGET void momentum(Size size, T rate, T friction, const T* g, T* w, T* b) {                                   \
        bodies::momentum(size, rate, friction, g, w, b);                                                            \
    }                                                                                                               \
    template <class T>                                                                                              \
    TARGET void relu(Size size, T* a, T* slope) {                                                                   \
        bodies::relu(size, a, slope);                                                                               \
    }                                                                                                               \
    template <class T>                                                                                              \
    TARGET void leaky_relu(Size size, T low, T* a, T* slope) {                                                      \
        bodies::leaky_relu(size, low, a, slope);                                                                    \
    }                                                                                                               \
    template <class T>                                                                                              \
    TARGET void swish(Size size, T* a, T* slope) {                                                                  \
        bodies::activate<L<T>, bodies::Swish<T>>(size, a, slope);                                                   \
    }                                                                                                               \
    template <class T>                                                                                              \
    TARGET void tanh(Size size, T* a, T* slope) {                                                                   \
        bodies::activate<L<T>, bodies::Tanh<T>>(size, a, slope);                                                    \
    }                                                                                                               \
    template <class T>                                                                                              \
    TARGET void gelu(Size size, T* a, T* slope) {                                                                   \
        bodies::activate<L<T>, bodies::Gelu<T>>(size, a, slope);                                                    \
    }                                                                                                               \
    template <class T>                                                                                              \
    TARGET void swish_curvature(Size size, const T* a, T* out) {                                                    \
        bodies::curvature<L<T>, bodies::Swish<T>>(size, a, out);                                                    \
    }                                                                                                               \
    template <class T>                                                                                              \
    TARGET void tanh_curvature(Size size, const T* a, T* out) {                                                     \
        bodies::curvature<L<T>, bodies::Tanh<T>>(size, a, out);                                                     \
    }                                                                                                               \
    template <class T>                                                                                              \
    TARGET void gelu_curvature(Size size, const T* a, T* out) {                                                     \
        bodies::curvature<L<T>, bodies::Gelu<T>>(size, a, out);                                                     \
    }                                                                                                               \
    template <class T>                                                                                              \
    TARGET double squared(Size rows, Size columns, const T* targets, Size t_row, T* O, Size o_row) {                \
        return bodies::squared<L<T>>(rows, columns, targets, t_row, O, o_row);                                      \
    }                                                                                                               \
    template <class T>                                                                                              \
    TARGET void cross_entropy(Size rows, Size columns, const T* targets, Size t_row, T* O, Size o_row, T* losses) { \
        bodies::cross_entropy<L<T>>(rows, columns, targets, t_row, O, o_row, losses);                               \
    }                                                                                                               \
    TARGET void path_points(const PathSystem& system, const double* roots, const PathPoints& out) {                 \
        bodies::path_points<L<double>>(system, roots, out);                                                         \
    }                                                                                                               \
    constexpr PathKernel path{L<double>::width, &path_points};                                                      \
    template <class T>                                                                                              \
    constexpr Kernels<T> table{L<T>::width,                                                                         \
                               ROWS,                                                                                \
                               VECTORS,                                                                             \
                               DOT_ROWS,                                                                            \
                               DOT_COLUMNS,                                                                         \
                               DEPTH,                                                                               \
                               &panel<T>,                                                                           \
                               &dots<T>,                                                                            \
                               &turn<T>,                                                                            \
                               &adam<T>,                                                                            \
                               &times<T>,                                                                           \
                               &residual<T>,                                                                        \
                               &scaled_residual<T>,                                                                 \
                               &move<T>,                                                                            \
                               &momentum<T>,                                                                        \
                               &relu<T>,                                                                            \
                               &leaky_relu<T>,                                                                      \
                               &swish<T>,                                                                           \
                               &tanh<T>,                                                                            \
                               &gelu<T>,                                                                            \
                               &swish_curvature<T>,                                                                 \
                               &tanh_curvature<T>,                                                                  \
                               &gelu_curvature<T>,                                                                  \
                               &squared<T>,                                                                         \
                               &cross_entropy<T>};                                                                  \
    }

LINVARIANCE_LEVEL(baseline, , 16, 5, 2, 4, 2, 256)
// The instructions of x86-64-v3 and v4 that the kernels use; by their names every compiler knows them.
#if defined(__x86_64__) && !defined(LINVARIANCE_BASELINE_ONLY)
#define LINVARIANCE_X86_LEVELS
LINVARIANCE_LEVEL(v3, __attribute__((target("avx2,bmi2,fma"))), 32, 6, 2, 4, 3, 256)
LINVARIANCE_LEVEL(v4, __attribute__((target("avx2,bmi2,fma,avx512f,avx512bw,avx512dq,avx512vl"))), 64, 5, 5, 5, 5, 128)
#endif

struct Choice {
    std::string_view name;
    const Kernels<double>* in_double;
    const Kernels<float>* in_float;
    const PathKernel* path;
};

std::vector<Choice> choices() {
    std::vector<Choice> found{{"baseline", &baseline::table<double>, &baseline::table<float>, &baseline::path}};
#ifdef LINVARIANCE_X86_LEVELS
    __builtin_cpu_init();
    const bool has_v3 =
        __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("fma");
    const bool has_v4 = has_v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    if (has_v3) found.push_back({"x86-64-v3", &v3::table<double>, &v3::table<float>, &v3::path});
    if (has_v4) found.push_back({"x86-64-v4", &v4::table<double>, &v4::table<float>, &v4::path});
#endif
    return found;
}

const Choice& choice() {
    static const Choice chosen = [] {
        const std::vector<Choice> found = choices();
        const char* const wanted = std::getenv("LINVARIANCE_KERNELS");
        if (wanted == nullptr || *wanted == '\0') return found.back();
        std::string names;
        for (const Choice& one : found) {
            if (one.name == wanted) return one;
            names += (names.empty() ? "" : ", ") + std::string(one.name);
        }
        throw std::runtime_error("LINVARIANCE_KERNELS is " + std::string(wanted) +
                                 ", but this processor and build have: " + names + ".");
    }();
    return chosen;
}

}  // namespace

std::vector<std::string_view> kernel_levels() {
    std::vector<std::string_view> names;
    for (const Choice& one : choices()) names.push_back(one.name);
    return names;
}

std::string_view kernel_level() {
    return choice().name;
}

template <>
const Kernels<double>& kernels<double>() {
    return *choice().in_double;
}
template <>
const Kernels<float>& kernels<float>() {
    return *choice().in_float;
}

const PathKernel& path_kernel() {
    return *choice().path;
}

}  // namespace linvariance
