// NumPy arrays as Eigen maps, without copies. Arrays arrive C-ordered and of the right type (.noconvert()).
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "linvariance/matrix.hpp"
#include "linvariance/objectives/moment_objective.hpp"

namespace linvariance::bindings {

namespace py = pybind11;

template <class T>
using Array = py::array_t<T, py::array::c_style>;

// Guards memory only; what users pass was checked in Python.
inline void expect(bool holds, const char* sentence) {
    if (!holds) throw py::value_error(sentence);
}

template <class T>
ConstView<T> view(const Array<T>& array) {
    expect(array.ndim() == 2, "expected a two-dimensional array");
    return {array.data(), array.shape(0), array.shape(1)};
}

inline Matrix<double> copy(const Array<double>& array) {
    return view(array);
}

template <class T>
void expect_fit(const MomentObjective<T>& objective, const Chain& chain) {
    expect(objective.S.size() == chain.inputs() && objective.C.rows() == chain.outputs() &&
               objective.C.cols() == chain.inputs(),
           "expected S (d_0, d_0) and C (d_L, d_0)");
}

template <class T>
View<T> mutable_view(Array<T>& array) {
    return {array.mutable_data(), array.shape(0), array.shape(1)};
}

// For a computation without the lock of the interpreter: false if a signal's handler has raised, as Ctrl-C's does.
inline bool no_signal() {
    const py::gil_scoped_acquire locked;
    return PyErr_CheckSignals() == 0;
}

void bind_chain(py::module_& module);
void bind_orbits(py::module_& module);
void bind_descent(py::module_& module);
void bind_path(py::module_& module);
void bind_samples(py::module_& module);

}  // namespace linvariance::bindings
