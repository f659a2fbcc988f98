#include "linvariance/groups/orbits.hpp"

#include <algorithm>
#include <optional>

#include "arrays.hpp"
#include "linvariance/groups/reynolds.hpp"

namespace linvariance::bindings {
namespace {

using Images = Array<std::int64_t>;
using Signs = std::optional<Array<Sign>>;

Action action(const Images& images, const Signs& signs) {
    expect(images.ndim() == 2, "expected an array of generators (M, d)");
    const py::ssize_t d = images.shape(1);
    for (py::ssize_t k = 0; k < images.size(); ++k)
        expect(images.data()[k] >= 0 && images.data()[k] < d, "a generator leaves 0 .. d - 1");
    expect(!signs || signs->size() == images.size(), "expected a sign for each index");
    return {images.data(), signs ? signs->data() : nullptr, images.shape(0), d};
}

// The array takes the vector over.
template <class T>
Array<T> to_python(std::vector<T>&& values) {
    auto* const owned = new std::vector<T>(std::move(values));
    const py::capsule release(owned, [](void* pointer) { delete static_cast<std::vector<T>*>(pointer); });
    return Array<T>(static_cast<py::ssize_t>(owned->size()), owned->data(), release);
}

py::tuple to_python(Partition&& found) {
    const py::object signs = found.signs.empty() ? py::none() : py::object(to_python(std::move(found.signs)));
    return py::make_tuple(to_python(std::move(found.labels)), signs, found.classes);
}

py::tuple orbitals_of(const Images& left, const Signs& left_signs, const Images& right, const Signs& right_signs) {
    const Action on_rows = action(left, left_signs), on_columns = action(right, right_signs);
    expect(on_rows.count == on_columns.count, "expected as many generators on the left as on the right");
    expect(on_rows.dim * on_columns.dim <= std::numeric_limits<Label>::max(), "too many pairs of points to label");
    Partition found;
    {
        const py::gil_scoped_release unlocked;
        found = orbitals(on_rows, on_columns);
    }
    return to_python(std::move(found));
}

Array<double> average_classes(const Array<double>& values, const Array<Label>& labels, Index classes,
                              const Signs& signs) {
    expect(values.ndim() == 2 && labels.size() == values.shape(1), "expected a label for each column");
    expect(!signs || signs->size() == labels.size(), "expected a sign for each label");
    Label least = 0, most = -1;  // not a condition for each label: this loop is vectorized
    for (py::ssize_t i = 0; i < labels.size(); ++i)
        least = std::min(least, labels.data()[i]), most = std::max(most, labels.data()[i]);
    expect(0 <= least && most < classes, "a label leaves 0 .. classes - 1");
    Array<double> out({values.shape(0), values.shape(1)});
    View<double> out_view = mutable_view(out);
    const ConstView<double> in = view(values);
    const Sign* const sign_data = signs ? signs->data() : nullptr;
    const py::gil_scoped_release unlocked;
    average(in, labels.data(), sign_data, classes, out_view);
    return out;
}

}  // namespace

void bind_orbits(py::module_& module) {
    module.def(
        "orbits", [](const Images& images, const Signs& signs) { return to_python(orbits(action(images, signs))); },
        py::arg("images").noconvert(), py::arg("signs").noconvert() = py::none(),
        "Labels (d,), signs (d,) or None, and number of the orbits of points under signed permutations (M, d).");
    module.def("orbitals", &orbitals_of, py::arg("left").noconvert(), py::arg("left_signs").noconvert(),
               py::arg("right").noconvert(), py::arg("right_signs").noconvert(),
               "Labels (d_left * d_right,), signs or None, and number of the orbits of pairs.");
    module.def("average", &average_classes, py::arg("values").noconvert(), py::arg("labels").noconvert(),
               py::arg("classes"), py::arg("signs").noconvert() = py::none(),
               "Each row's values (rows, points) replaced by their (signed) means over the classes.");
}

}  // namespace linvariance::bindings
