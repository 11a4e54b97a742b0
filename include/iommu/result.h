// SPDX-License-Identifier: GPL-2.0-or-later
//
// result: a value, or the reason why there is none.
//
//     Result<Leaf, WalkFault> leaf = walk(...);
//     if (!leaf) return Err{leaf.error()};
//     use(*leaf);
//
// TRY(expression) does the middle line: it yields the value, or returns the error from the enclosing function.
#ifndef IOMMU_RESULT_H
#define IOMMU_RESULT_H

#include <cassert>
#include <concepts>
#include <utility>
#include <variant>

namespace iommu {

template <class E>
struct Err {
    E error;
};
template <class E>
Err(E) -> Err<E>;

template <class T, class E>
class [[nodiscard]] Result {
  public:
    // NOLINTBEGIN(google-explicit-constructor): `return value;` and `return Err{...};` are the point of the type
    template <class U>
        requires std::convertible_to<U&&, T>
    constexpr Result(U&& value) : state_(std::in_place_index<0>, std::forward<U>(value)) {}
    constexpr Result(Err<E> err) : state_(std::in_place_index<1>, std::move(err.error)) {}
    // NOLINTEND(google-explicit-constructor)

    [[nodiscard]] constexpr explicit operator bool() const { return state_.index() == 0; }
    [[nodiscard]] constexpr const T& operator*() const {
        assert(state_.index() == 0);
        return *std::get_if<0>(&state_);
    }
    [[nodiscard]] constexpr const T* operator->() const { return &**this; }
    [[nodiscard]] constexpr const E& error() const {
        assert(state_.index() == 1);
        return *std::get_if<1>(&state_);
    }

  private:
    std::variant<T, E> state_;
};

// A success that carries nothing.
struct Done {};

}  // namespace iommu

#define TRY(expression)                                           \
    __extension__({                                               \
        auto&& try_result = (expression);                         \
        if (!try_result) return ::iommu::Err{try_result.error()}; \
        *std::forward<decltype(try_result)>(try_result);          \
    })

#endif  // IOMMU_RESULT_H
