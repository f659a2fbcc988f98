// Independent tasks on a few threads: once, while the calling thread keeps an ear open for an interruption, or over and
// over.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "linvariance/matrix.hpp"

namespace linvariance {

// Runs task(i, stop) for i = 0 .. count - 1 on up to `threads` threads. keep_going() is called about ten times a second
// on the calling thread; once it answers false, `stop` is set, no new task begins, and run_all returns false when the
// running ones have. The first exception of a task stops the others and is thrown here.
template <class Task, class Poll>
bool run_all(Index count, Index threads, Task&& task, Poll&& keep_going) {
    std::atomic<bool> stop{false};
    std::atomic<Index> next{0};
    std::mutex mutex;
    std::condition_variable finished;
    Index running = std::min(threads, count);
    std::exception_ptr failure;

    const auto work = [&] {
        try {
            for (Index i = next++; i < count && !stop; i = next++) task(i, stop);
        } catch (...) {
            const std::lock_guard lock(mutex);
            if (!failure) failure = std::current_exception();
            stop = true;
        }
        const std::lock_guard lock(mutex);
        --running;
        finished.notify_one();
    };

    std::vector<std::jthread> workers;
    bool interrupted = false;
    try {
        for (Index k = running; k > 0; --k) workers.emplace_back(work);
    } catch (...) {  // no more threads to be had: the jthreads join as they are destroyed
        stop = true;
        throw;
    }
    std::unique_lock lock(mutex);
    while (!finished.wait_for(lock, std::chrono::milliseconds(100), [&] { return running == 0; })) {
        if (interrupted) continue;
        lock.unlock();
        interrupted = !keep_going();
        if (interrupted) stop = true;
        lock.lock();
    }
    lock.unlock();
    workers.clear();  // joins
    if (failure) std::rethrow_exception(failure);
    return !interrupted;
}

// The same tasks 0 .. count - 1 again and again, on the calling thread and `helpers` more that stay between the rounds.
// Tasks throw nothing.
class Crew {
  public:
    using Task = std::function<void(Index task, Index member)>;  // member: 0 for the caller, else 1 .. helpers

    Crew(Index count, Index helpers, Task task) : count_(static_cast<std::uint32_t>(count)), task_(std::move(task)) {
        for (Index k = 1; k <= helpers; ++k) helpers_.emplace_back([this, k] { serve(k); });
    }
    Crew(const Crew&) = delete;
    Crew& operator=(const Crew&) = delete;
    ~Crew() {
        closing_ = true;
        next_ = next_ | none_left;
        next_ += first_of_round;
        next_.notify_all();
    }

    Index members() const { return 1 + static_cast<Index>(helpers_.size()); }

    // Returns when all tasks are done. Whoever comes first takes the next one; a helper that is late finds none left.
    void run() {
        done_ = 0;
        next_ = (next_ & ~none_left) + first_of_round;
        if (!helpers_.empty()) next_.notify_all();
        work(0);
        while (done_ != count_) std::this_thread::yield();
    }

  private:
    // The number of the round in the upper half, that of the next task in the lower one.
    static constexpr std::uint64_t first_of_round = std::uint64_t{1} << 32, none_left = first_of_round - 1;

    // Returns the ticket that was none any more.
    std::uint64_t work(Index member) {
        std::uint64_t ticket = next_;
        while (static_cast<std::uint32_t>(ticket) < count_) {
            if (!next_.compare_exchange_weak(ticket, ticket + 1)) continue;
            task_(static_cast<Index>(static_cast<std::uint32_t>(ticket)), member);
            ++done_;
            ticket = next_;
        }
        return ticket;
    }

    // Between two rounds passes less time than falling asleep and being woken takes.
    void serve(Index member) {
        for (std::uint64_t seen = none_left; !closing_;) {
            for (int k = 0; k < 1000 && next_ == seen; ++k) std::this_thread::yield();
            next_.wait(seen);
            seen = work(member);
        }
    }

    std::uint32_t count_;
    Task task_;
    std::atomic<bool> closing_{false};
    std::atomic<std::uint64_t> next_{none_left};
    std::atomic<std::uint32_t> done_{0};
    std::vector<std::jthread> helpers_;  // the last: joins first
};

}  // namespace linvariance
