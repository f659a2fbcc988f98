// What runs on several threads gives the bits of one: training on moments and on samples, Hessian products, the path.
// ThreadSanitizer watches it in `make release-check`.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "linvariance/curvature/sample_hessian.hpp"
#include "linvariance/optima/path.hpp"
#include "linvariance/parallel.hpp"
#include "linvariance/training/descent.hpp"
#include "linvariance/training/sample_descent.hpp"

using namespace linvariance;

namespace {

constexpr Index threads = 4, epochs = 6;

void require(bool holds, const std::string& what) {
    if (holds) return;
    std::printf("failed: %s\n", what.c_str());
    std::exit(1);
}

// What a run of d inputs records, its optimizer, and where it stands.
template <class T>
struct Run {
    Run(Index run, Index d, Index parameters) : loss(epochs + 1), others(3 * (epochs + 1)) {
        look.parts = {Matrix<double>::Identity(d, d)};
        look.entry_columns = Matrix<double>(0, d);
        std::srand(static_cast<unsigned>(run));
        state = {Vector<T>::Random(parameters) * T(0.1), Matrix<T>::Zero(Adam<T>::means, parameters)};
    }
    Recorder recorder(Index outputs, Index hidden, Index d) {
        double* const rest = others.data();
        return Recorder(look, outputs, hidden, d, 0.0,
                        {loss.data(), rest, rest + epochs + 1, rest + 2 * (epochs + 1), nullptr, nullptr, nullptr});
    }
    Observables look;
    Vector<double> loss, others;
    RunState<T> state;
    Adam<T> rule{{0.9, 0.999, 1e-8, 0.0, false}};
    double rate = 1e-2;
    Stretch stretch{0, epochs, 1, &rate, true, {0.0, 0.0, 0.0}};
    std::atomic<bool> stop{false};
};

// Networks (runs, parameters) after training on moments, the runs on so many threads.
template <class T>
Matrix<T> train_on_moments(Index on) {
    const Chain chain({12, 5, 9});
    std::srand(3);
    const Matrix<T> C = Matrix<T>::Random(9, 12);
    const MomentObjective<T> objective{InputMoment<T>(Matrix<double>::Identity(12, 12)), C};
    std::vector<std::unique_ptr<Run<T>>> runs;
    for (Index k = 0; k < 8; ++k) {
        runs.push_back(std::make_unique<Run<T>>(k, 12, chain.parameters()));
        runs.back()->look.A = Matrix<double>::Identity(12, 12);
        runs.back()->look.T = C.transpose().template cast<double>();
    }
    Matrix<T> layers(8, chain.parameters());
    run_all(
        8, on,
        [&](Index k, const std::atomic<bool>& stop) {
            Run<T>& run = *runs[static_cast<std::size_t>(k)];
            Recorder recorder = run.recorder(9, 5, 12);
            Vector<T> network;
            descend(chain, objective, run.rule, run.stretch, run.state, network, recorder, stop);
            layers.row(k) = network.transpose();
        },
        [] { return true; });
    return layers;
}

struct SampleCase {
    explicit SampleCase(Index n) : X(Matrix<double>::Random(n, 12)), targets(Matrix<double>::Zero(3, n)) {
        for (Index i = 0; i < n; ++i) targets(i % 3, i) = 1.0;
        Elements<double>& elements = problem.elements;
        elements.count = 3;
        for (Index g = 0; g < 3; ++g) {
            for (Index i = 0; i < 12; ++i) elements.images.push_back((i + g) % 12);
        }
    }
    Matrix<double> X, targets;
    SampleProblem<double> problem{
        {X.data(), X.rows(), X.cols()}, {targets.data(), 3, X.rows()}, {}, false, Loss::cross_entropy};
    Architecture network{{12, 7, 3}, Activation::tanh, true};
};

// One run, its samples shared among so many threads.
Vector<double> train_on_samples(const SampleCase& data, Index on) {
    SampleObjective<double> objective(data.problem, data.network, {}, on);
    Run<double> run(0, 12, objective.parameters());
    Recorder recorder = run.recorder(7, 7, 12);
    descend(objective, {nullptr, 1}, run.rule, run.stretch, run.state, recorder, run.stop);
    return run.state.layers;
}

// Products of one Hessian each, at the same data.
Matrix<double> multiply(const SampleCase& data, Index on) {
    std::srand(7);
    const Matrix<double> at = Matrix<double>::Random(4, 13 * 7 + 8 * 3);
    Matrix<double> out(at.rows(), at.cols());
    run_all(
        at.rows(), on,
        [&](Index i, const auto&) {
            SampleHessian<double> hessian(data.problem, data.network, {}, at.row(i).transpose());
            View<double> to(out.row(i).data(), 1, out.cols());
            Pulse pulse([] { return true; });
            hessian.apply({at.row(i).data(), 1, at.cols()}, to, pulse);
        },
        [] { return true; });
    return out;
}

// Singular values and vectors along a path, and what is led back.
Matrix<double> follow(Index on) {
    constexpr Index outputs = 3, size = 5, count = 200, kept = 3, rank = 2;
    std::srand(9);
    const Matrix<double> triangle = Matrix<double>::Random(outputs, outputs).triangularView<Eigen::Upper>();
    const Matrix<double> targets = Matrix<double>::Random(outputs, size);
    const Vector<double> diagonal = Vector<double>::Random(size).cwiseAbs() + Vector<double>::Ones(size),
                         above = Vector<double>::Random(size - 1),
                         strengths = Vector<double>::LinSpaced(count, 0.0, 10.0);
    Matrix<double> out(count, kept + outputs * kept + rank * (size + outputs) + 1);
    Matrix<double> sigma(count, kept), left(count, outputs * kept), inner(count, rank * (size + outputs));
    Vector<double> rest(count);
    Path({triangle.data(), outputs, outputs}, {targets.data(), outputs, size}, diagonal.data(), above.data(), kept,
         rank)
        .compute(strengths.data(), count, sigma.data(), left.data(), inner.data(), rest.data(), on);
    out << sigma, left, inner, rest;
    return out;
}

}  // namespace

int main() {
    const SampleCase data(800);
    require(train_on_moments<double>(threads) == train_on_moments<double>(1), "training on moments, double");
    require(train_on_moments<float>(threads) == train_on_moments<float>(1), "training on moments, float");
    require(train_on_samples(data, threads) == train_on_samples(data, 1), "training on samples");
    require(multiply(data, threads) == multiply(data, 1), "products of Hessians");
    require(follow(threads) == follow(1), "the path");
    std::puts("the same bits on one thread and on four");
}
