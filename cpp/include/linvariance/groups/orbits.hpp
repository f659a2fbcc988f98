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

// Row by row along the orbits of the left: each row is a copy of its orbit's first one, moved. Where generators lead to
// one row in two ways, members of the first row are united: Schreier's generators of a stabilizer, at work.
template <class Classes>
class PairRows {
  public:
    PairRows(const Action& left, const Action& right)
        : left_(&left),
          right_(&right),
          columns_(static_cast<std::size_t>(right.dim)),
          reached_(static_cast<std::size_t>(left.dim), 0) {
        out_.labels.resize(reached_.size() * columns_);
        if constexpr (is_signed) out_.signs.resize(out_.labels.size());
    }

    Partition partition() {
        for (std::size_t row = 0; row < reached_.size(); ++row)
            if (reached_[row] == 0) label_orbit(row);
        return std::move(out_);
    }

  private:
    static constexpr bool is_signed = std::is_same_v<Classes, SignedUnionFind>;

    void label_orbit(std::size_t first) {
        Classes classes(columns_);
        for (std::size_t j = 0; j < columns_; ++j) set(first, j, static_cast<Label>(j), false);
        std::vector<std::size_t> orbit{first};
        reached_[first] = 1;
        for (std::size_t k = 0; k < orbit.size(); ++k) {
            for (Index m = 0; m < left_->count; ++m) {
                const std::size_t from = orbit[k], to = left_->image(m, from);
                if (reached_[to] != 0) {
                    unite(m, from, to, classes);
                } else {
                    move(m, from, to);
                    orbit.push_back(to);
                    reached_[to] = 1;
                }
            }
        }
        name(orbit, classes.partition());
    }

    void move(Index m, std::size_t from, std::size_t to) {
        for (std::size_t j = 0; j < columns_; ++j)
            set(to, right_->image(m, j), out_.labels[from * columns_ + j], flips(m, from, j));
    }
    void unite(Index m, std::size_t from, std::size_t to, Classes& classes) {
        for (std::size_t j = 0; j < columns_; ++j) {
            const std::size_t there = to * columns_ + right_->image(m, j);
            const auto a = static_cast<std::size_t>(out_.labels[from * columns_ + j]);
            const auto b = static_cast<std::size_t>(out_.labels[there]);
            if constexpr (is_signed) {
                classes.unite(a, b, flips(m, from, j) != (out_.signs[there] < 0));
            } else if (a != b) {
                classes.unite(a, b, false);
            }
        }
    }
    void name(const std::vector<std::size_t>& orbit, const Partition& found) {
        for (const std::size_t row : orbit) {
            for (std::size_t k = row * columns_; k < (row + 1) * columns_; ++k) {
                const auto member = static_cast<std::size_t>(out_.labels[k]);
                out_.labels[k] = static_cast<Label>(out_.classes) + found.labels[member];
                if constexpr (is_signed) out_.signs[k] = static_cast<Sign>(out_.signs[k] * found.signs[member]);
            }
        }
        out_.classes += found.classes;
    }

    // Whether what generator m makes of (from, j) is minus a member of the first row
    bool flips(Index m, std::size_t from, std::size_t j) const {
        if constexpr (!is_signed) return false;
        return (left_->flips(m, from) != right_->flips(m, j)) != (out_.signs[from * columns_ + j] < 0);
    }
    void set(std::size_t row, std::size_t column, Label member, bool flip) {
        out_.labels[row * columns_ + column] = member;
        if constexpr (is_signed) out_.signs[row * columns_ + column] = flip ? Sign{-1} : Sign{1};
    }

    const Action *left_, *right_;
    std::size_t columns_;
    std::vector<char> reached_;
    Partition out_;
};

// Classes of points.
inline Partition orbits(const Action& action) {
    return action.signs == nullptr ? orbits_in<UnionFind>(action) : orbits_in<SignedUnionFind>(action);
}

// Classes of pairs (i, j), row-major (left.dim, right.dim), under generators that act on both places at once.
inline Partition orbitals(const Action& left, const Action& right) {
    const bool plain = left.signs == nullptr && right.signs == nullptr;
    return plain ? PairRows<UnionFind>(left, right).partition() : PairRows<SignedUnionFind>(left, right).partition();
}

}  // namespace linvariance
