#include "linvariance/orbits.hpp"

#include "arrays.hpp"
#include "linvariance/reynolds.hpp"

namespace linvariance::bindings {
namespace {

using Generators = Array<std::int64_t>;

py::tuple to_python(const Partition& partition, std::vector<py::ssize_t> shape) {
    Array<Label> labels(std::move(shape));
    std::copy(partition.labels.begin(), partition.labels.end(), labels.mutable_data());
    return py::make_tuple(labels, partition.classes);
}

void expect_permutations(const Generators& generators) {
    expect(generators.ndim() == 2, "expected an array of generators (M, d)");
    const py::ssize_t d = generators.shape(1);
    for (py::ssize_t k = 0; k < generators.size(); ++k)
        expect(generators.data()[k] >= 0 && generators.data()[k] < d, "a generator leaves 0 .. d - 1");
}

Array<double> average_classes(const Array<double>& values, const Array<Label>& labels, Index classes) {
    expect(values.ndim() == 2 && labels.size() == values.shape(1), "expected a label for each column");
    for (py::ssize_t i = 0; i < labels.size(); ++i)
        expect(labels.data()[i] >= 0 && labels.data()[i] < classes, "a label leaves 0 .. classes - 1");
    Array<double> out({values.shape(0), values.shape(1)});
    View<double> out_view = mutable_view(out);
    const ConstView<double> in = view(values);
    const py::gil_scoped_release unlocked;
    average(in, labels.data(), classes, out_view);
    return out;
}

}  // namespace

void bind_orbits(py::module_& module) {
    module.def(
        "orbits",
        [](const Generators& generators) {
            expect_permutations(generators);
            return to_python(orbits(generators.data(), generators.shape(0), generators.shape(1)),
                             {generators.shape(1)});
        },
        py::arg("generators").noconvert(), "Labels (d,) and number of the orbits of points under permutations (M, d).");
    module.def(
        "orbitals",
        [](const Generators& generators) {
            expect_permutations(generators);
            const Index d = generators.shape(1);
            expect(d * d <= std::numeric_limits<Label>::max(), "too many pairs of points to label");
            Partition found;
            {
                const py::gil_scoped_release unlocked;
                found = orbitals(generators.data(), generators.shape(0), d);
            }
            return to_python(found, {d, d});
        },
        py::arg("generators").noconvert(),
        "Labels (d, d) and number of the orbits of pairs under permutations (M, d).");
    module.def("average", &average_classes, py::arg("values").noconvert(), py::arg("labels").noconvert(),
               py::arg("classes"), "Each row's values (rows, points) replaced by their means over the classes.");
}

}  // namespace linvariance::bindings
