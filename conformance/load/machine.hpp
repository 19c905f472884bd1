#pragma once

#include <chrono>
#include <optional>

namespace bsp::conformance::load {

/// What the generator and its machine did since this was made.
class cpu_meter {
public:
    cpu_meter();
    /// CPU seconds per second of this process.
    [[nodiscard]] double own_cores() const;
    /// Share of all cores that were busy with whatever; nothing where there is no /proc/stat.
    [[nodiscard]] std::optional<double> machine_busy() const;

private:
    struct ticks {
        double busy = 0, all = 0;
    };
    static double cpu_seconds();
    static ticks of_machine();

    std::chrono::steady_clock::time_point begin_;
    double seconds_;
    ticks ticks_;
};

}  // namespace bsp::conformance::load
