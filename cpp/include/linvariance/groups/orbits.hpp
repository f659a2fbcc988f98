// Orbits of points and of pairs of points (orbitals) under groups of signed permutations, by union-find over
// generators.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include "linvariance/matrix.hpp"

namespace linvariance {

using Label = std::int32_t;
using Sign = std::int8_t;

// Generators g_1, ..., g_M of a group acting on `dim` points, g_m sending e_i to sign[m, i] e_{image[m, i]}.
struct Action {
    const std::int64_t* images;  // (M, dim)
    const Sign* signs;           // (M, dim), or null where every sign is +1
    Index count, dim;

    std::size_t image(Index m, std::size_t i) const {
        return static_cast<std::size_t>(images[static_cast<std::size_t>(m * dim) + i]);
    }
    bool flips(Index m, std::size_t i) const {
        return signs != nullptr && signs[static_cast<std::size_t>(m * dim) + i] < 0;
    }
};

// Labels 0, 1, ... of the classes, in the order of their first members. With signs, every member is sign times the
// first one of its class; a class in which some member is minus itself has signs 0.
struct Partition {
    std::vector<Label> labels;
    std::vector<Sign> signs;  // empty where every sign is +1
    Index classes = 0;
};

// Classes named by their first member: the smaller root wins.
class UnionFind {
  public:
    explicit UnionFind(std::size_t size) : parent_(size) {
        for (std::size_t i = 0; i < size; ++i) parent_[i] = static_cast<Label>(i);
    }

    // The first generator of pairs, before any unite(): its cycles are classes already, found by walking them.
    void start_with_pairs(const Action& left, const Action& right) {
        const auto rows = static_cast<std::size_t>(left.dim), columns = static_cast<std::size_t>(right.dim);
        std::fill(parent_.begin(), parent_.end(), Label{-1});
        for (std::size_t i = 0; i < rows; ++i) {
            for (std::size_t j = 0; j < columns; ++j) {
                if (parent_[i * columns + j] >= 0) continue;
                std::size_t a = i, b = j;
                do {
                    parent_[a * columns + b] = static_cast<Label>(i * columns + j);
                    a = left.image(0, a);
                    b = right.image(0, b);
                } while (a != i || b != j);
            }
        }
    }

    void unite(std::size_t a, std::size_t b, bool /*flip*/) {
        const std::size_t ra = find(a), rb = find(b);
        if (ra < rb) parent_[rb] = static_cast<Label>(ra);
        if (rb < ra) parent_[ra] = static_cast<Label>(rb);
    }

    // Consumes the forest: a parent is never larger than its children, so it holds its label when they come to look.
    Partition partition() {
        Partition out{std::move(parent_), {}, 0};
        for (std::size_t i = 0; i < out.labels.size(); ++i) {
            const auto parent = static_cast<std::size_t>(out.labels[i]);
            out.labels[i] = parent == i ? static_cast<Label>(out.classes++) : out.labels[parent];
        }
        return out;
    }

  private:
    std::size_t find(std::size_t i) {
        while (static_cast<std::size_t>(parent_[i]) != i) {
            parent_[i] = parent_[static_cast<std::size_t>(parent_[i])];
            i = static_cast<std::size_t>(parent_[i]);
        }
        return i;
    }

    std::vector<Label> parent_;
};

// The same with the sign of each member relative to its parent.
class SignedUnionFind {
  public:
    explicit SignedUnionFind(std::size_t size) : parent_(size), flipped_(size, 0), contradictory_(size, 0) {
        for (std::size_t i = 0; i < size; ++i) parent_[i] = static_cast<Label>(i);
    }

    void unite(std::size_t a, std::size_t b, bool flip) {
        auto [ra, fa] = find(a);
        auto [rb, fb] = find(b);
        const bool between = flip != (fa != fb);
        if (ra == rb) {
            if (between) contradictory_[ra] = 1;
            return;
        }
        if (rb < ra) std::swap(ra, rb);
        parent_[rb] = static_cast<Label>(ra);
        flipped_[rb] = between;
        contradictory_[ra] |= contradictory_[rb];
    }

    Partition partition() {
        Partition out{std::vector<Label>(parent_.size()), std::vector<Sign>(parent_.size()), 0};
        for (std::size_t i = 0; i < parent_.size(); ++i) {
            const auto [root, flipped] = find(i);
            out.labels[i] = root == i ? static_cast<Label>(out.classes++) : out.labels[root];
            out.signs[i] = static_cast<Sign>(contradictory_[root] != 0 ? 0 : flipped ? -1 : 1);
        }
        return out;
    }

  private:
    std::pair<std::size_t, bool> find(std::size_t i) {
        bool flipped = false;
        while (static_cast<std::size_t>(parent_[i]) != i) {
            const auto parent = static_cast<std::size_t>(parent_[i]);
            flipped_[i] ^= flipped_[parent];  // halves the path: i now hangs from its grandparent
            parent_[i] = parent_[parent];
            flipped ^= flipped_[i] != 0;
            i = static_cast<std::size_t>(parent_[i]);
        }
        return {i, flipped};
    }

    std::vector<Label> parent_;
    std::vector<Sign> flipped_, contradictory_;
};

template <class Classes>
Partition orbits_in(const Action& action) {
    const auto d = static_cast<std::size_t>(action.dim);
    Classes classes(d);
    for (Index m = 0; m < action.count; ++m)
        for (std::size_t i = 0; i < d; ++i) classes.unite(i, action.image(m, i), action.flips(m, i));
    return classes.partition();
}

template <class Classes>
Partition orbitals_in(const Action& left, const Action& right) {
    const auto rows = static_cast<std::size_t>(left.dim), columns = static_cast<std::size_t>(right.dim);
    Classes classes(rows * columns);
    Index first = 0;
    if constexpr (std::is_same_v<Classes, UnionFind>) {
        if (left.count > 0) classes.start_with_pairs(left, right);
        first = 1;
    }
    for (Index m = first; m < left.count; ++m) {
        for (std::size_t i = 0; i < rows; ++i) {
            const std::size_t to = left.image(m, i) * columns;
            const bool flip = left.flips(m, i);
            for (std::size_t j = 0; j < columns; ++j)
                classes.unite(i * columns + j, to + right.image(m, j), flip != right.flips(m, j));
        }
    }
    return classes.partition();
}

// Classes of points.
inline Partition orbits(const Action& action) {
    return action.signs == nullptr ? orbits_in<UnionFind>(action) : orbits_in<SignedUnionFind>(action);
}

// Classes of pairs (i, j), row-major (left.dim, right.dim), under generators that act on both places at once.
inline Partition orbitals(const Action& left, const Action& right) {
    const bool plain = left.signs == nullptr && right.signs == nullptr;
    return plain ? orbitals_in<UnionFind>(left, right) : orbitals_in<SignedUnionFind>(left, right);
}

}  // namespace linvariance
