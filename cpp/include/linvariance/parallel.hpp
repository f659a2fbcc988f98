// Independent tasks on a few threads, while the calling thread keeps an ear open for an interruption.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
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

}  // namespace linvariance
