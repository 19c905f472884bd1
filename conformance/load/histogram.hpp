#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace bsp::conformance::load {

/// Counts of values in log-linear buckets: exact below 128, beyond that within 1/128 of the value (0.8 %). Values are
/// microseconds here. Grows with the greatest value recorded: an hour takes 3,300 counters.
class histogram {
public:
    void record(std::uint64_t value, std::uint64_t times = 1) {
        if (times == 0) return;
        auto const at = index_of(value);
        if (at >= counts_.size()) counts_.resize(at + 1);
        counts_[at] += times;
        count_ += times;
        max_ = std::max(max_, value);
    }

    void merge(histogram const& other) {
        if (other.counts_.size() > counts_.size()) counts_.resize(other.counts_.size());
        for (std::size_t i = 0; i < other.counts_.size(); ++i) counts_[i] += other.counts_[i];
        count_ += other.count_;
        max_ = std::max(max_, other.max_);
    }

    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
    [[nodiscard]] std::uint64_t max() const noexcept { return max_; }

    /// The least value that at least the share `q` (0 to 1) of all values does not exceed, rounded up to the end of its
    /// bucket and never above `max()`; 0 when there is none.
    [[nodiscard]] std::uint64_t quantile(double q) const {
        if (count_ == 0) return 0;
        // 0.999 * 1000 must be 999, not 1000, whatever the binary fraction says.
        auto const wanted = static_cast<std::uint64_t>(std::ceil(std::clamp(q, 0.0, 1.0) * static_cast<double>(count_) - 1e-6));
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i < counts_.size(); ++i)
            if ((seen += counts_[i]) >= std::max<std::uint64_t>(wanted, 1)) return std::min(greatest_of(i), max_);
        return max_;
    }

private:
    static constexpr unsigned precision_bits = 7;
    static constexpr std::uint64_t half = 1u << precision_bits;

    static std::size_t index_of(std::uint64_t value) {
        if (value < half) return value;
        auto const shift = static_cast<unsigned>(std::bit_width(value)) - precision_bits - 1;
        return half * shift + static_cast<std::size_t>(value >> shift);
    }
    static std::uint64_t greatest_of(std::size_t index) {
        if (index < 2 * half) return index;
        auto const shift = index / half - 1;
        return ((index - half * shift + 1) << shift) - 1;
    }

    std::vector<std::uint64_t> counts_;
    std::uint64_t count_ = 0, max_ = 0;
};

}  // namespace bsp::conformance::load
