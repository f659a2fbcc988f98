// A Hessian of the core as an object of Python, one thread at a time.
#pragma once

#include <mutex>
#include <string>

#include "arrays.hpp"
#include "linvariance/curvature/hessian.hpp"

namespace linvariance::bindings {

inline Second second_named(const std::string& name) {
    if (name == "hessian") return Second::hessian;
    if (name == "gauss_newton") return Second::gauss_newton;
    expect(name == "empirical_fisher", "expected hessian, gauss_newton or empirical_fisher");
    return Second::empirical_fisher;
}

// Operator: a Hessian of the core, with parameters() and apply(directions, out, pulse). Constructed as that one is. It
// owns its workspace, so it serves one thread at a time.
template <class Operator>
class Locked : Operator {
  public:
    using Operator::Operator;

    Array<double> apply(const Array<double>& directions) {
        expect(directions.ndim() == 2 && directions.shape(1) == Operator::parameters(),
               "expected directions (k, parameters)");
        Array<double> out({directions.shape(0), directions.shape(1)});
        View<double> out_view = mutable_view(out);
        const ConstView<double> in = view(directions);
        try {
            const py::gil_scoped_release unlocked;
            const std::lock_guard lock(mutex_);
            Pulse pulse(no_signal);
            Operator::apply(in, out_view, pulse);
        } catch (const Interrupted&) {
            throw py::error_already_set();
        }
        return out;
    }

  private:
    std::mutex mutex_;
};

// The class without a constructor, which each module adds.
template <class Operator>
py::class_<Locked<Operator>> bind_locked(py::module_& module, const char* name, const char* doc) {
    return py::class_<Locked<Operator>>(module, name, doc)
        .def("apply", &Locked<Operator>::apply, py::arg("directions").noconvert(),
             "H applied to every row of directions (k, parameters).");
}

}  // namespace linvariance::bindings
