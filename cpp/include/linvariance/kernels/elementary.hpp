// Elementary functions in plain arithmetic, which the compiler vectorizes in loops over one vector's entries.
//
// exp by x = k log 2 + r (Cody and Waite, Software Manual for the Elementary Functions, ch. 6) and a polynomial; all
// else from exp(-|a|), exp(-|a|) - 1 and exp(-a²/2), so that nothing overflows and small arguments keep their relative
// accuracy. An argument gives the same bits wherever it stands in an array: the last few take the same way as a whole
// vector.
#pragma once

#include <cstdint>

#include "linvariance/kernels/bodies.hpp"

namespace linvariance::bodies {

template <class T>
struct Format;
template <>
struct Format<double> {
    using Bits = std::uint64_t;
    static constexpr int mantissa = 52, bias = 1023;
    static constexpr Bits root_half = 0x3fe6a09e667f3bcd;       // sqrt(1/2)
    static constexpr double integer = 0x1.8p52, unit = 0x1p52;  // adding it rounds to an integer
    static constexpr double ln2 = 0x1.62e42feep-1, ln2_rest = 0x1.a39ef35793c76p-33;
    static constexpr double least = -760;  // exp and exp times |least| are 0
    // (e^r - 1 - r) / r² for |r| <= log(2)/2, and log((1+s)/(1-s))/s - 2 by z = s², both interpolated at Chebyshev's
    // points
    static constexpr double exponential[] = {0.5,
                                             0x1.5555555555556p-3,
                                             0x1.5555555553d37p-5,
                                             0x1.11111111109a6p-7,
                                             0x1.6c16c1789d1d7p-10,
                                             0x1.a01a01a7cebcdp-13,
                                             0x1.a019b8ca26fcfp-16,
                                             0x1.71de0d85293b8p-19,
                                             0x1.2891d4ffbb0f9p-22,
                                             0x1.af390ba7e6f47p-26};
    static constexpr double logarithm[] = {0x1.5555555555558p-1, 0x1.99999999952e2p-2, 0x1.2492492df148dp-2,
                                           0x1.c71c62e5800a1p-3, 0x1.7462b4ab2ef6bp-3, 0x1.39fe606542ddep-3,
                                           0x1.2b584aae78a57p-3};
    // (x + 4) M(x) for x >= 0 and M(x) = Phi(-x) exp(x²/2), Mills' ratio but for a factor, by t = (x - 4)/(x + 4), so
    // too; 2 at x = 0
    static constexpr double mills[] = {
        0x1.82b4bb8c94dcep-1,  -0x1.373e3a893c287p-1,  0x1.8c6dbf2cfc301p-2,   -0x1.7dff2bff6888dp-3,
        0x1.eec4cc3e44f92p-5,  -0x1.ee27610350881p-8,  -0x1.c81719ca40281p-9,  0x1.ab825f7fdb8b7p-10,
        0x1.17a4a66dc2544p-13, -0x1.e4a416603c27ap-13, -0x1.001163ffdd5fap-19, 0x1.26cf9720abb5ep-15,
        0x1.7fd85f27b6b3fp-21, -0x1.8d36d61668932p-18, -0x1.4f9384c2dba14p-21, 0x1.11c9a89009a9fp-20,
        0x1.1b0c9af0663p-22,   -0x1.4baa19ca02e59p-23, -0x1.47f923dc26e66p-24, 0x1.f984630995397p-27,
        0x1.df523bd52c578p-27, 0x1.0c027bb42f08dp-35,  -0x1.0e0d7178bf5eap-30};
    static constexpr double farthest = 38.9;       // exp(-x²/2) times x² is 0 beyond
    static constexpr Bits upper = ~Bits(0) << 27;  // half of the digits, whose square is exact
};
template <>
struct Format<float> {
    using Bits = std::uint32_t;
    static constexpr int mantissa = 23, bias = 127;
    static constexpr Bits root_half = 0x3f3504f3;
    static constexpr float integer = 0x1.8p23f, unit = 0x1p23f;
    static constexpr float ln2 = 0x1.63p-1f, ln2_rest = -0x1.bd0106p-13f;
    static constexpr float least = -115;
    static constexpr float exponential[] = {0.5f,          0x1.555556p-3f, 0x1.5554e8p-5f,
                                            0x1.1110ep-7f, 0x1.6d43bp-10f, 0x1.a1256cp-13f};
    static constexpr float logarithm[] = {0x1.555556p-1f, 0x1.9999ecp-2f, 0x1.245c44p-2f, 0x1.ddced8p-3f};
    static constexpr float mills[] = {0x1.82b4bcp-1f,  -0x1.373e3cp-1f, 0x1.8c6dbcp-2f,  -0x1.7dfedcp-3f,
                                      0x1.eec75p-5f,   -0x1.ee7bb2p-8f, -0x1.c981cap-9f, 0x1.aefadcp-10f,
                                      0x1.69dd5ep-13f, -0x1.e07b8p-13f, -0x1.a79af4p-15f};
    static constexpr float farthest = 15.1f;
    static constexpr Bits upper = ~Bits(0) << 12;
};

LINVARIANCE_BODY double magnitude(double x) {
    return __builtin_fabs(x);
}
LINVARIANCE_BODY float magnitude(float x) {
    return __builtin_fabsf(x);
}
LINVARIANCE_BODY double with_sign(double x, double sign) {
    return __builtin_copysign(x, sign);
}
LINVARIANCE_BODY float with_sign(float x, float sign) {
    return __builtin_copysignf(x, sign);
}

// 2^k for an integer k within the range of normal numbers.
template <class T>
LINVARIANCE_BODY T power_of_two(T k) {
    using F = Format<T>;
    const T shifted = k + (F::integer + T(F::bias));
    return __builtin_bit_cast(T, __builtin_bit_cast(typename F::Bits, shifted) << F::mantissa);
}

template <class T, int N>
LINVARIANCE_BODY T polynomial(const T (&coefficients)[N], T x) {
    T sum = coefficients[N - 1];
    LINVARIANCE_UNROLL
    for (int j = N - 2; j >= 0; --j) sum = sum * x + coefficients[j];
    return sum;
}

// exp(x) = (1 + rest) · high · low, the last two powers of two whose product may be subnormal or 0.
template <class T>
struct Exponential {
    T rest, high, low;
};

// exp(x - less), `less` being digits that x has no room for; least <= x - less <= 0
template <class T>
LINVARIANCE_BODY Exponential<T> exponential(T x, T less = T(0)) {
    using F = Format<T>;
    const T k = ((x - less) * T(1.4426950408889634) + F::integer) - F::integer;
    const T r = ((x - k * F::ln2) - k * F::ln2_rest) - less;
    const T half = (k * T(0.5) + F::integer) - F::integer;
    return {r + r * r * polynomial(F::exponential, r), power_of_two(half), power_of_two(k - half)};
}
template <class T>
LINVARIANCE_BODY T exp_of(const Exponential<T>& e) {
    return ((T(1) + e.rest) * e.high) * e.low;
}
template <class T>
LINVARIANCE_BODY T expm1_of(const Exponential<T>& e) {
    const T power = e.high * e.low;
    return power * e.rest + (power - T(1));
}

// log(x) for x >= 1, with a NaN or an infinity as it is; fdlibm's splitting of x = 2^k (1 + f).
template <class T>
LINVARIANCE_BODY T logarithm(T x) {
    using F = Format<T>;
    using Bits = typename F::Bits;
    const Bits bits = __builtin_bit_cast(Bits, x), exponent = (bits - F::root_half) >> F::mantissa;
    const T k = __builtin_bit_cast(T, exponent | __builtin_bit_cast(Bits, F::unit)) - F::unit;
    const T f = __builtin_bit_cast(T, bits - (exponent << F::mantissa)) - T(1);
    const T s = f / (T(2) + f), z = s * s, square = T(0.5) * f * f;
    const T found = k * F::ln2 - ((square - (s * (square + z * polynomial(F::logarithm, z)) + k * F::ln2_rest)) - f);
    return x < T(__builtin_inf()) ? found : x;
}

// Each function: its value and its slope, or its curvature alone.
template <class T>
struct Tanh {
    T value, slope;

    LINVARIANCE_METHOD explicit Tanh(T a) {
        const T y = T(-2) * magnitude(a);
        const Exponential<T> e = exponential(y < Format<T>::least ? Format<T>::least : y);
        const T less = expm1_of(e), below = T(2) + less;
        value = with_sign(less / below, a);
        slope = T(4) * exp_of(e) / (below * below);
    }
    LINVARIANCE_METHOD T curvature() const { return T(-2) * value * slope; }
};

template <class T>
struct Swish {
    T value, slope, curve;

    LINVARIANCE_METHOD explicit Swish(T a) {
        const T lowest = Format<T>::least, size = magnitude(a) > -lowest ? -lowest : magnitude(a);
        const Exponential<T> e = exponential(-size);
        const T s = exp_of(e), inverse = T(1) / (T(1) + s);
        const bool positive = a >= T(0);
        const T inside = positive ? size : -size;
        const T opposite = positive ? s * inverse : inverse;  // 1/(1 + exp(a))
        // 1/(1 + exp(-a)) = logistic · low; what it is multiplied by comes before `low`, which may leave the range.
        const T above = (T(1) + e.rest) * e.high * inverse, low = positive ? T(1) : e.low;
        const T logistic = positive ? inverse : above;
        value = ((positive ? a : inside) * logistic) * low;
        slope = ((T(1) + inside * opposite) * logistic) * low;
        curve = ((above * inverse) * (T(2) + size * (expm1_of(e) * inverse))) * e.low;
    }
    LINVARIANCE_METHOD T curvature() const { return curve; }
};

// a Phi(a), the exact one, by Phi(-|a|) = M exp(-a²/2) with M of Format: the tail keeps its relative accuracy.
template <class T>
struct Gelu {
    T value, slope, curve;

    LINVARIANCE_METHOD explicit Gelu(T a) {
        using F = Format<T>;
        const T size = magnitude(a) > F::farthest ? F::farthest : magnitude(a);
        const T half = __builtin_bit_cast(T, __builtin_bit_cast(typename F::Bits, size) & F::upper);
        const Exponential<T> e = exponential(T(-0.5) * (half * half), T(0.5) * ((size - half) * (size + half)));
        const T inverse = T(1) / (size + T(4));
        const T mills = polynomial(F::mills, (size - T(4)) * inverse) * inverse;
        const T density = T(0.3989422804014327) * size;
        const bool positive = a >= T(0);
        // What the exponential is multiplied by comes before `low`, which may leave the range.
        const T above = (T(1) + e.rest) * e.high;
        const T below = (mills * above) * e.low, tilt = ((mills - density) * above) * e.low;
        value = positive ? a * (T(1) - below) : ((-size * mills) * above) * e.low;
        slope = positive ? T(1) - tilt : tilt;
        curve = ((T(0.3989422804014327) * (T(2) - size * size)) * above) * e.low;
    }
    LINVARIANCE_METHOD T curvature() const { return curve; }
};

template <class L, class T = typename L::Scalar>
LINVARIANCE_BODY void load(Size count, const T* from, T* to) {
    if (count >= L::width) {
        *reinterpret_cast<typename L::Unaligned*>(to) = *reinterpret_cast<const typename L::Unaligned*>(from);
        return;
    }
    for (int j = 0; j < L::width; ++j) {
        LINVARIANCE_SCALAR;
        to[j] = j < count ? from[j] : T(0);
    }
}
template <class L, class T = typename L::Scalar>
LINVARIANCE_BODY void store(Size count, const T* from, T* to) {
    if (count >= L::width) {
        *reinterpret_cast<typename L::Unaligned*>(to) = *reinterpret_cast<const typename L::Unaligned*>(from);
        return;
    }
    for (int j = 0; j < count; ++j) {
        LINVARIANCE_SCALAR;
        to[j] = from[j];
    }
}

template <class L, class Function, class T = typename L::Scalar>
LINVARIANCE_BODY void activate(Size size, T* a, T* slope) {
    for (Size start = 0; start < size; start += L::width) {
        T in[L::width], value[L::width], derivative[L::width];
        load<L>(size - start, a + start, in);
        for (int j = 0; j < L::width; ++j) {
            const Function at(in[j]);
            value[j] = at.value, derivative[j] = at.slope;
        }
        store<L>(size - start, value, a + start);
        store<L>(size - start, derivative, slope + start);
    }
}

template <class L, class Function, class T = typename L::Scalar>
LINVARIANCE_BODY void curvature(Size size, const T* a, T* out) {
    for (Size start = 0; start < size; start += L::width) {
        T in[L::width], bend[L::width];
        load<L>(size - start, a + start, in);
        for (int j = 0; j < L::width; ++j) bend[j] = Function(in[j]).curvature();
        store<L>(size - start, bend, out + start);
    }
}

// At a kink the slope is that from the left, as in PyTorch. A NaN stays one.
template <class T>
LINVARIANCE_BODY void relu(Size size, T* __restrict a, T* __restrict slope) {
    for (Size i = 0; i < size; ++i) {
        slope[i] = a[i] > T(0) ? T(1) : T(0);
        a[i] = a[i] < T(0) ? T(0) : a[i];
    }
}
template <class T>
LINVARIANCE_BODY void leaky_relu(Size size, T low, T* __restrict a, T* __restrict slope) {
    for (Size i = 0; i < size; ++i) {
        slope[i] = a[i] > T(0) ? T(1) : low;
        a[i] *= slope[i];
    }
}

template <class L, class T = typename L::Scalar>
LINVARIANCE_BODY double squared(Size rows, Size columns, const T* targets, Size t_row, T* O, Size o_row) {
    double lanes[L::width] = {}, sum = 0.0;
    for (Size i = 0; i < rows; ++i) {
        for (Size start = 0; start < columns; start += L::width) {
            T o[L::width], t[L::width];
            load<L>(columns - start, O + i * o_row + start, o);
            load<L>(columns - start, targets + i * t_row + start, t);
            for (int j = 0; j < L::width; ++j) {
                const T difference = o[j] - t[j];
                lanes[j] += double(difference) * double(difference);
                o[j] = difference + difference;
            }
            store<L>(columns - start, o, O + i * o_row + start);
        }
    }
    for (int j = 0; j < L::width; ++j) sum += lanes[j];
    return sum;
}

template <class L, class T = typename L::Scalar>
LINVARIANCE_BODY void cross_entropy(Size rows, Size columns, const T* targets, Size t_row, T* O, Size o_row,
                                    T* losses) {
    for (Size start = 0; start < columns; start += L::width) {
        const Size count = columns - start;
        T top[L::width], sum[L::width] = {}, loss[L::width] = {}, o[L::width], t[L::width];
        load<L>(count, O + start, top);
        for (Size i = 1; i < rows; ++i) {
            load<L>(count, O + i * o_row + start, o);
            for (int j = 0; j < L::width; ++j) top[j] = top[j] > o[j] ? top[j] : o[j];
        }
        for (Size i = 0; i < rows; ++i) {
            load<L>(count, O + i * o_row + start, o);
            load<L>(count, targets + i * t_row + start, t);
            for (int j = 0; j < L::width; ++j) {
                const T x = o[j] - top[j];  // so that no exponential overflows
                loss[j] -= t[j] * x;
                o[j] = exp_of(exponential(x < Format<T>::least ? Format<T>::least : x));
                sum[j] += o[j];
            }
            store<L>(count, o, O + i * o_row + start);
        }
        for (int j = 0; j < L::width; ++j) {
            loss[j] += logarithm(sum[j]);
            sum[j] = T(1) / sum[j];
        }
        store<L>(count, loss, losses + start);
        for (Size i = 0; i < rows; ++i) {
            load<L>(count, O + i * o_row + start, o);
            load<L>(count, targets + i * t_row + start, t);
            for (int j = 0; j < L::width; ++j) o[j] = o[j] * sum[j] - t[j];
            store<L>(count, o, O + i * o_row + start);
        }
    }
}

}  // namespace linvariance::bodies
