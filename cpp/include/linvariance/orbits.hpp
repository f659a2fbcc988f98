// Orbits of points and of pairs of points (orbitals) under a permutation group given by generators, by union-find.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "linvariance/matrix.hpp"

namespace linvariance {

using Label = std::int32_t;

// Labels 0, 1, ... of the classes, in the order of their first members.
struct Partition {
    std::vector<Label> labels;
    Index classes = 0;
};

template <class Key>
class UnionFind {
  public:
    explicit UnionFind(std::size_t size) : parent_(size) {
        for (std::size_t i = 0; i < size; ++i) parent_[i] = static_cast<Key>(i);
    }

    void unite(std::size_t a, std::size_t b) {
        const Key ra = find(a), rb = find(b);
        // The smaller root wins: a class is then named by its first member.
        if (ra < rb) parent_[static_cast<std::size_t>(rb)] = ra;
        if (rb < ra) parent_[static_cast<std::size_t>(ra)] = rb;
    }

    Partition partition() {
        Partition out{std::vector<Label>(parent_.size()), 0};
        for (std::size_t i = 0; i < parent_.size(); ++i) {
            const auto root = static_cast<std::size_t>(find(i));
            out.labels[i] = root == i ? static_cast<Label>(out.classes++) : out.labels[root];
        }
        return out;
    }

  private:
    Key find(std::size_t i) {
        while (static_cast<std::size_t>(parent_[i]) != i) {
            parent_[i] = parent_[static_cast<std::size_t>(parent_[i])];
            i = static_cast<std::size_t>(parent_[i]);
        }
        return static_cast<Key>(i);
    }

    std::vector<Key> parent_;
};

// generators: (M, d) rows of permutations p, point i going to p[i]
inline Partition orbits(const std::int64_t* generators, Index count, Index dim) {
    const auto d = static_cast<std::size_t>(dim);
    UnionFind<std::int64_t> classes(d);
    for (Index m = 0; m < count; ++m) {
        const std::int64_t* p = generators + m * dim;
        for (std::size_t i = 0; i < d; ++i) classes.unite(i, static_cast<std::size_t>(p[i]));
    }
    return classes.partition();
}

// Labels (d, d), row-major: the pair (i, j) goes to (p[i], p[j]).
inline Partition orbitals(const std::int64_t* generators, Index count, Index dim) {
    const auto d = static_cast<std::size_t>(dim);
    UnionFind<Label> classes(d * d);
    for (Index m = 0; m < count; ++m) {
        const std::int64_t* p = generators + m * dim;
        for (std::size_t i = 0; i < d; ++i) {
            const std::size_t row = static_cast<std::size_t>(p[i]) * d;
            for (std::size_t j = 0; j < d; ++j) classes.unite(i * d + j, row + static_cast<std::size_t>(p[j]));
        }
    }
    return classes.partition();
}

}  // namespace linvariance
