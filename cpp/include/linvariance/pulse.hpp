// A long computation on the calling thread that keeps an ear open for an interruption.
#pragma once

#include <chrono>
#include <exception>
#include <functional>

namespace linvariance {

struct Interrupted : std::exception {
    const char* what() const noexcept override { return "interrupted"; }
};

class Pulse {
  public:
    explicit Pulse(std::function<bool()> keep_going) : keep_going_(std::move(keep_going)) {}

    // Between pieces of work of some milliseconds: asks keep_going() about twenty times a second, throws Interrupted if
    // it answers false.
    void beat() {
        const auto now = Clock::now();
        if (now < next_) return;
        if (!keep_going_()) throw Interrupted();
        next_ = now + std::chrono::milliseconds(50);
    }

  private:
    using Clock = std::chrono::steady_clock;

    std::function<bool()> keep_going_;
    Clock::time_point next_ = Clock::now() + std::chrono::milliseconds(50);
};

}  // namespace linvariance
