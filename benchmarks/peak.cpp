// `turns` rounds of twelve independent multiply-adds in registers, at the widest vectors of this machine: its FMA peak.
#ifdef __AVX512F__
#define BYTES 64
#elif defined(__AVX__)
#define BYTES 32
#else
#define BYTES 16
#endif

template <class T>
static long chain(long turns) {
    typedef T V __attribute__((vector_size(BYTES)));
    V sum[12] = {}, a = V{} + T(0.5), b = V{} + T(1);
    for (long t = 0; t < turns; ++t) {
#pragma GCC unroll 12
        for (int i = 0; i < 12; ++i) sum[i] = sum[i] * a + b;
#pragma GCC unroll 12
        for (int i = 0; i < 12; ++i) asm volatile("" : "+v"(sum[i]));
    }
    return turns * 12 * 2 * (BYTES / long(sizeof(T)));  // operations
}

extern "C" long chain_float64(long turns) {
    return chain<double>(turns);
}
extern "C" long chain_float32(long turns) {
    return chain<float>(turns);
}
