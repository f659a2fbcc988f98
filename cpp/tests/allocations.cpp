// The hot loops allocate nothing: Eigen's allocator and the global operator new are forbidden while they run.
#undef NDEBUG  // Eigen tells of a forbidden allocation by an assertion
#define EIGEN_RUNTIME_NO_MALLOC
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <new>

#include "linvariance/curvature/hessian.hpp"
#include "linvariance/curvature/sample_hessian.hpp"
#include "linvariance/training/descent.hpp"
#include "linvariance/training/sample_descent.hpp"

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
template <class T, class Rule>
struct Watched : Rule {
    using Rule::Rule;
    void step(RunState<T>& state, Parameters<T> gradient, double lr) const {
        forbidden = true;
        Eigen::internal::set_is_malloc_allowed(false);
        Rule::step(state, gradient, lr);
    }
};

void allow() {
    forbidden = false;
    Eigen::internal::set_is_malloc_allowed(true);
}

// The identity as it is, diagonal in a basis, and in two blocks of the sums and differences of pairs.
template <class T>
std::vector<InputMoment<T>> identities(Index d) {
    const Matrix<double> eye = Matrix<double>::Identity(d, d), ones = Matrix<double>::Ones(d, 1);
    std::vector<InputMoment<T>> found{InputMoment<T>(eye),
                                      InputMoment<T>({eye.data(), d, d}, ConstView<double>(ones.data(), d, 1))};
    if (d % 2 == 1) return found;
    const Index half = d / 2;
    std::vector<Index> order;
    for (Index i = 0; i < d; ++i) order.push_back((i + half) % d);
    Matrix<double> basis(2, 2);
    basis << 1.0, 1.0, 1.0, -1.0;
    const Matrix<double> one = Matrix<double>::Identity(half, half);
    found.push_back(
        InputMoment<T>(order, {{half, basis / std::sqrt(2.0)}}, {{{{0, half}}, one}, {{{half, half}}, one}}));
    return found;
}

template <class T, class Rule>
void train(const std::vector<Index>& widths, const InputMoment<T>& S, const typename Rule::Settings& settings) {
    const Chain chain(widths);
    const Index d = chain.inputs(), outputs = chain.outputs();
    const Matrix<T> C = Matrix<T>::Random(outputs, d);
    MomentObjective<T> objective{S, C};
    S.enter(C, objective.C);
    Observables look;
    look.A = Matrix<double>::Identity(d, d);
    look.T = C.transpose().template cast<double>();
    look.parts = {Matrix<double>::Random(d, d), Matrix<double>::Random(d, d / 2)};
    look.entry_rows = {0};
    look.entry_columns = Matrix<double>::Random(1, d);
    look.back = Matrix<double>::Identity(outputs, outputs);
    const Index epochs = 20, times = epochs + 1;
    Vector<double> loss(times), norm(times), first(times), parts(2 * times), entries(times),
        weights(times * d * outputs), kept(times * chain.parameters());
    Recorder recorder(
        look, outputs, widths[1], d, 0.0,
        {loss.data(), norm.data(), first.data(), parts.data(), entries.data(), weights.data(), kept.data()});
    const Index parameters = chain.parameters();
    RunState<T> state{Vector<T>::Random(parameters) * T(0.1), Matrix<T>::Zero(Rule::means, parameters)};
    Vector<T> network;
    const double rate = 1e-3;
    const std::atomic<bool> stop{false};
    descend(chain, objective, Watched<T, Rule>(settings), {0, epochs, 1, &rate, true, {0.0, 0.0, 0.0}}, state, network,
            recorder, stop);
    allow();
    if (!(loss[epochs] < loss[0])) {
        std::puts("training did not lower the loss");
        std::exit(1);
    }
}

template <class T>
void descents(const std::vector<Index>& widths) {
    for (const auto& S : identities<T>(widths.front())) {
        train<T, Adam<T>>(widths, S, {0.9, 0.999, 1e-8, 1e-3, false});
        train<T, GradientDescent<T>>(widths, S, {0.9, 1e-3, true});
        train<T, RMSprop<T>>(widths, S, {0.99, 1e-8, 1e-3, 0.5, true});
    }
}

// Random samples (n, d_0) and one-hot targets (d_L, n).
template <class T>
struct Data {
    Data(Index n, Index d, Index outputs) : X(Matrix<T>::Random(n, d)), targets(Matrix<T>::Zero(outputs, n)) {
        for (Index i = 0; i < n; ++i) targets(i % outputs, i) = T(1);
    }

    SampleProblem<T> problem(const Elements<T>& elements, bool pooled, Loss loss) const {
        return {
            {X.data(), X.rows(), X.cols()}, {targets.data(), targets.rows(), targets.cols()}, elements, pooled, loss};
    }

    Matrix<T> X, targets;
};

// The cyclic shifts of threes of columns: sums, and what is left in two of three coordinates.
template <class T>
Fourier<T> transform(Index d) {
    Fourier<T> out{{{0, d / 3, 1}, {d / 3, 2 * (d / 3), 2}}, {0}, {}, {}, Matrix<T>::Random(3, 3)};
    for (Index row = 0; row < d / 3 + 4 * (d / 3); ++row) {
        for (Index k = 0; k < 3; ++k) {
            out.columns.push_back((3 * row + k) % d);
            out.entries.push_back(T(0.5) / static_cast<T>(k + 1));
        }
        out.starts.push_back(static_cast<Index>(out.columns.size()));
    }
    return out;
}

// None, a cyclic shift with signs, and dense matrices.
template <class T>
std::vector<Elements<T>> groups(Index d) {
    Elements<T> shifts, dense;
    shifts.count = dense.count = 3;
    for (Index g = 0; g < 3; ++g) {
        for (Index i = 0; i < d; ++i) {
            shifts.images.push_back((i + g) % d);
            shifts.signs.push_back(i + g < d ? T(1) : T(-1));
        }
        dense.matrices.push_back(Matrix<T>::Random(d, d));
    }
    return {Elements<T>{}, shifts, dense};
}

template <class T>
void train_on_samples(const Architecture& shape, const SampleProblem<T>& problem, Index batch) {
    const auto& widths = shape.widths;
    const bool linear = shape.activation == Activation::identity, penalized = linear && problem.elements.count == 1;
    const Index d = widths.front(), rows = linear ? widths.back() : widths[1], epochs = 4, times = epochs + 1;
    SampleObjective<T> objective(problem, shape, penalized ? Matrix<T>::Identity(d, d) : Matrix<T>(), 2);
    std::vector<std::int32_t> order;
    for (Index k = 0; k < epochs * objective.rows(); ++k)
        order.push_back(static_cast<std::int32_t>((7 * k) % objective.rows()));
    Observables look;
    look.parts = {Matrix<double>::Random(d, d)};
    look.entry_rows = {0};
    look.entry_columns = Matrix<double>::Random(1, d);
    Vector<double> loss(times), norm(times), first(times), parts(times), entries(times), weights(times * rows * d),
        kept(times * objective.parameters());
    Recorder recorder(
        look, rows, widths[1], d, 0.0,
        {loss.data(), norm.data(), first.data(), parts.data(), entries.data(), weights.data(), kept.data()});
    RunState<T> state{Vector<T>::Random(objective.parameters()) * T(0.1), Matrix<T>::Zero(2, objective.parameters())};
    const double rate = 1e-3;
    const std::atomic<bool> stop{false};
    descend(objective, {batch > 0 ? order.data() : nullptr, std::max<Index>(batch, 1)},
            Watched<T, Adam<T>>({0.9, 0.999, 1e-8, 1e-3, true}), {0, epochs, 1, &rate, true, {0.0, 0.0, 0.0}}, state,
            recorder, stop);
    allow();
    if (!(loss[epochs] < loss[0])) {
        std::puts("training on samples did not lower the loss");
        std::exit(1);
    }
}

void multiply_on_samples(const Architecture& shape, const SampleProblem<double>& problem, Index copies) {
    const auto& widths = shape.widths;
    const Index d = widths.front();
    const bool penalized = shape.activation == Activation::identity && problem.elements.count == 1;
    Index parameters = 0;
    for (std::size_t j = 1; j < widths.size(); ++j) parameters += widths[j] * (widths[j - 1] + shape.biased);
    SampleHessian<double> hessian(problem, shape, penalized ? Matrix<double>::Identity(d, d) : Matrix<double>(),
                                  Vector<double>::Random(parameters));
    const Matrix<double> directions = Matrix<double>::Random(copies, parameters);
    Matrix<double> out(copies, parameters);
    View<double> to(out.data(), out.rows(), out.cols());
    const ConstView<double> from(directions.data(), directions.rows(), directions.cols());
    Pulse pulse([] { return true; });
    hessian.apply(from, to, pulse);  // sizes the workspace
    forbidden = true;
    Eigen::internal::set_is_malloc_allowed(false);
    hessian.apply(from, to, pulse);
    allow();
}

template <class T>
void samples(const std::vector<Index>& widths) {
    // A block of 96 and a rest; for the small ones two parts, each some blocks and a rest.
    const Data<T> data(widths.front() < 100 ? 800 : 110, widths.front(), widths.back());
    for (const auto& elements : groups<T>(widths.front())) {
        for (const bool pooled : {false, true}) {
            for (const auto loss : {Loss::squared, Loss::cross_entropy}) {
                for (const Architecture& shape : {Architecture{widths, Activation::identity},
                                                  {widths, Activation::identity, true},
                                                  {widths, Activation::leaky_relu},
                                                  {widths, Activation::swish, true}}) {
                    const auto problem = data.problem(elements, pooled, loss);
                    train_on_samples(shape, problem, 0);
                    train_on_samples(shape, problem, 100);
                    if (elements.count == 3 && widths.front() % 3 == 0) {
                        auto faster = problem;
                        faster.fourier = transform<T>(widths.front());
                        train_on_samples(shape, faster, 0);
                    }
                    if constexpr (std::is_same_v<T, double>) {
                        multiply_on_samples(shape, problem, 1);
                        multiply_on_samples(shape, problem, 5);
                    }
                }
            }
        }
    }
}

void multiply(const std::vector<Index>& widths, Index copies) {
    const Chain chain(widths);
    const Index d = chain.inputs();
    const MomentObjective<double> objective{InputMoment<double>(Matrix<double>::Identity(d, d)),
                                            Matrix<double>::Random(chain.outputs(), d)};
    Hessian<double> hessian(chain, objective, Vector<double>::Random(chain.parameters()));
    const Matrix<double> directions = Matrix<double>::Random(copies, chain.parameters());
    Matrix<double> out(copies, chain.parameters());
    View<double> to(out.data(), out.rows(), out.cols());
    const ConstView<double> from(directions.data(), directions.rows(), directions.cols());
    Pulse pulse([] { return true; });
    hessian.apply(from, to, pulse);  // sizes the workspace
    forbidden = true;
    Eigen::internal::set_is_malloc_allowed(false);
    hessian.apply(from, to, pulse);
    allow();
}

}  // namespace

int main() {
    for (const std::vector<Index>& widths :
         {std::vector<Index>{196, 5, 9}, {300, 200, 400}, {40, 30}, {64, 64, 64, 64, 10}}) {
        descents<double>(widths);
        descents<float>(widths);
        multiply(widths, 1);
        multiply(widths, 8);
    }
    for (const std::vector<Index>& widths : {std::vector<Index>{30, 5, 9}, {120, 110, 7, 101}, {20, 10}}) {
        samples<double>(widths);
        samples<float>(widths);
    }
    if (allocations > 0) {
        std::printf("%d allocations in the hot loops\n", allocations);
        return 1;
    }
    std::puts("no allocations in the hot loops");
}
