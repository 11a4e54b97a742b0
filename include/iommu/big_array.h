// SPDX-License-Identifier: GPL-2.0-or-later
//
// BigArray<T>: a fixed number of default-constructed elements, in huge pages where the system gives them.
//
// For tables that are looked at everywhere at once: with small pages each look would cost the host's processor a
// translation of its own. Small arrays are on small pages; nothing else differs.
#ifndef IOMMU_BIG_ARRAY_H
#define IOMMU_BIG_ARRAY_H

#include <cstddef>
#include <memory>
#include <type_traits>

namespace iommu {

namespace detail {
// Like ::operator new with an alignment of at least a cache line. To be given back to `release_table`.
[[nodiscard]] void* allocate_table(std::size_t bytes);
void release_table(void* table);
}  // namespace detail

template <class T>
class BigArray {
    static_assert(std::is_trivially_destructible_v<T>);

  public:
    explicit BigArray(std::size_t count) : elements_(static_cast<T*>(detail::allocate_table(count * sizeof(T)))) {
        std::uninitialized_value_construct_n(elements_, count);
    }
    BigArray(const BigArray&) = delete;
    BigArray& operator=(const BigArray&) = delete;
    ~BigArray() { detail::release_table(elements_); }

    [[nodiscard]] T& operator[](std::size_t index) { return elements_[index]; }
    [[nodiscard]] const T& operator[](std::size_t index) const { return elements_[index]; }

  private:
    T* elements_;
};

}  // namespace iommu

#endif  // IOMMU_BIG_ARRAY_H
