// run_all: every task once, an interruption stops the rest, an exception of a task reaches the caller. Crew: every task
// once a round. Pulse: asks at most twenty times a second, throws when told to stop.
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#include "linvariance/parallel.hpp"
#include "linvariance/pulse.hpp"

namespace {

void require(bool holds, const char* what) {
    if (holds) return;
    std::printf("failed: %s\n", what);
    std::exit(1);
}

}  // namespace

int main() {
    using linvariance::Index;
    using linvariance::run_all;

    for (const Index threads : {1, 2, 7}) {
        std::vector<std::atomic<int>> visits(100);
        const bool done = run_all(
            100, threads, [&](Index i, const auto&) { ++visits[static_cast<std::size_t>(i)]; }, [] { return true; });
        require(done, "an undisturbed call finishes");
        for (const auto& count : visits) require(count == 1, "each task runs once");
    }

    std::atomic<int> begun{0};
    const bool done = run_all(
        10, 2,
        [&](Index, const std::atomic<bool>& stop) {
            ++begun;
            while (!stop) std::this_thread::yield();
        },
        [] { return false; });
    require(!done && begun == 2, "an interruption stops the running tasks and begins no other");

    bool caught = false;
    try {
        run_all(
            50, 2,
            [](Index i, const auto&) {
                if (i == 3) throw std::runtime_error("task 3");
            },
            [] { return true; });
    } catch (const std::runtime_error&) {
        caught = true;
    }
    require(caught, "an exception of a task reaches the caller");

    for (const Index helpers : {0, 1, 6}) {
        std::vector<int> visits(5), by(5);
        linvariance::Crew crew(5, helpers, [&](Index i, Index member) {
            ++visits[static_cast<std::size_t>(i)];
            by[static_cast<std::size_t>(i)] = static_cast<int>(member);
        });
        require(crew.members() == helpers + 1, "all members are there");
        for (int round = 1; round <= 5000; ++round) {
            crew.run();
            for (const int count : visits) require(count == round, "each task runs once in a round, and is done then");
            for (const int member : by) require(member >= 0 && member <= helpers, "members have their numbers");
            if (round % 1000 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(20));  // helpers fall asleep
        }
    }

    int asked = 0;
    linvariance::Pulse pulse([&] { return ++asked < 3; });
    const auto start = std::chrono::steady_clock::now();
    bool interrupted = false;
    try {
        while (std::chrono::steady_clock::now() - start < std::chrono::seconds(60)) pulse.beat();
    } catch (const linvariance::Interrupted&) {
        interrupted = true;
    }
    require(interrupted && asked == 3, "a pulse stops when it is told to");
    require(std::chrono::steady_clock::now() - start >= std::chrono::milliseconds(150),
            "and asks no more than twenty times a second");
    std::puts("run_all, Crew and Pulse hold");
}
