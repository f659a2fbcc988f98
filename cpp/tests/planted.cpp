// Bugs that a sanitizer must report, each by the name of its argument.
#include <cstdio>
#include <limits>
#include <memory>
#include <string_view>
#include <vector>

#include "linvariance/kernels/kernels.hpp"
#include "linvariance/parallel.hpp"

using namespace linvariance;

namespace {

// A kernel that is told of one entry more than there is.
double overflow() {
    std::vector<double> a(8, 1.0), out(8);
    kernels<double>().times(9, a.data(), a.data(), out.data());
    return out[0];
}

int signed_overflow(int by) {
    return std::numeric_limits<int>::max() + by;
}

int uninitialized() {
    const std::unique_ptr<bool[]> flags(new bool[8]);
    return flags[3] ? 1 : 2;
}

// Two threads that add to one number; each sleeps first, so that the other takes the second task.
int race() {
    int sum = 0;
    const auto add = [&](Index, const auto&) {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        ++sum;
    };
    run_all(2, 2, add, [] { return true; });
    return sum;
}

}  // namespace

int main(int count, char** arguments) {
    const std::string_view bug = count > 1 ? arguments[1] : "";
    if (bug == "overflow") std::printf("%f\n", overflow());
    if (bug == "signed") std::printf("%d\n", signed_overflow(count));
    if (bug == "uninitialized") std::printf("%d\n", uninitialized());
    if (bug == "race") std::printf("%d\n", race());
    std::puts("no sanitizer has ended this");
}
