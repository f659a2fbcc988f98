// The hot loops allocate nothing: Eigen's allocator and the global operator new are forbidden while they run.
#undef NDEBUG  // Eigen tells of a forbidden allocation by an assertion
#define EIGEN_RUNTIME_NO_MALLOC
#include <cstdio>
#include <cstdlib>
#include <new>

#include "linvariance/descent.hpp"
#include "linvariance/hessian.hpp"

namespace {

bool forbidden = false;
int allocations = 0;

}  // namespace

// noinline: GCC would otherwise take the pair malloc / operator delete that it sees for a mismatch.
[[gnu::noinline]] void* operator new(std::size_t size) {
    if (forbidden) ++allocations;
    if (void* p = std::malloc(size)) return p;
    throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* p) noexcept {
    std::free(p);
}
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept {
    std::free(p);
}

using namespace linvariance;

namespace {

// Forbids the heap from epoch 1 on (the workspace is made before), by way of a rule that sees every step.
template <class T>
struct Watched : Adam<T> {
    using Adam<T>::Adam;
    void step(Parameters<T> weights, const Parameters<T>& gradient) {
        forbidden = true;
        Eigen::internal::set_is_malloc_allowed(false);
        Adam<T>::step(weights, gradient);
    }
};

void allow() {
    forbidden = false;
    Eigen::internal::set_is_malloc_allowed(true);
}

template <class T>
void train(const std::vector<Index>& widths) {
    const Chain chain(widths);
    const Index d = chain.inputs(), outputs = chain.outputs();
    const MomentObjective<T> objective{Matrix<T>::Identity(d, d), Matrix<T>::Random(outputs, d)};
    Observables look;
    look.A = Matrix<double>::Identity(d, d);
    look.T = objective.C.transpose().template cast<double>();
    look.parts = {Matrix<double>::Random(d, d), Matrix<double>::Random(d, d / 2)};
    look.entry_rows = {0};
    look.entry_columns = Matrix<double>::Random(1, d);
    const Index epochs = 20, times = epochs + 1;
    Vector<double> loss(times), norm(times), first(times), parts(2 * times), entries(times),
        weights(times * d * outputs);
    Recorder recorder(look, outputs, widths[1], d, 1, epochs,
                      {loss.data(), norm.data(), first.data(), parts.data(), entries.data(), weights.data()});
    Vector<T> layers = Vector<T>::Random(chain.parameters()) * T(0.1);
    Watched<T> rule({1e-3, 0.9, 0.999, 1e-8}, chain.parameters());
    const std::atomic<bool> stop{false};
    descend(chain, objective, rule, epochs, layers.data(), recorder, stop);
    allow();
    if (!(loss[epochs] < loss[0])) {
        std::puts("training did not lower the loss");
        std::exit(1);
    }
}

void multiply(const std::vector<Index>& widths, Index copies) {
    const Chain chain(widths);
    const Index d = chain.inputs();
    Hessian<double> hessian(chain, {Matrix<double>::Identity(d, d), Matrix<double>::Random(chain.outputs(), d)},
                            Vector<double>::Random(chain.parameters()));
    const Matrix<double> directions = Matrix<double>::Random(copies, chain.parameters());
    Matrix<double> out(copies, chain.parameters());
    View<double> to(out.data(), out.rows(), out.cols());
    const ConstView<double> from(directions.data(), directions.rows(), directions.cols());
    hessian.apply(from, to);  // sizes the workspace
    forbidden = true;
    Eigen::internal::set_is_malloc_allowed(false);
    hessian.apply(from, to);
    allow();
}

}  // namespace

int main() {
    for (const std::vector<Index>& widths :
         {std::vector<Index>{196, 5, 9}, {300, 200, 400}, {40, 30}, {64, 64, 64, 64, 10}}) {
        train<double>(widths);
        train<float>(widths);
        multiply(widths, 1);
        multiply(widths, 8);
    }
    if (allocations > 0) {
        std::printf("%d allocations in the hot loops\n", allocations);
        return 1;
    }
    std::puts("no allocations in the hot loops");
}
