#include "machine.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace bsp::conformance::load {

cpu_meter::cpu_meter() : begin_{std::chrono::steady_clock::now()}, seconds_{cpu_seconds()}, ticks_{of_machine()} {}

double cpu_meter::own_cores() const {
    constexpr double shortest = 1e-3;
    return (cpu_seconds() - seconds_) / std::max(shortest, std::chrono::duration<double>{std::chrono::steady_clock::now() - begin_}.count());
}

std::optional<double> cpu_meter::machine_busy() const {
    auto const now = of_machine();
    if (now.all <= ticks_.all) return std::nullopt;
    return (now.busy - ticks_.busy) / (now.all - ticks_.all);
}

double cpu_meter::cpu_seconds() {
    rusage u{};
    ::getrusage(RUSAGE_SELF, &u);
    auto const seconds = [](timeval t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; };
    return seconds(u.ru_utime) + seconds(u.ru_stime);
}

cpu_meter::ticks cpu_meter::of_machine() {
    // "cpu user nice system idle iowait irq softirq steal": what is added later is counted in the first already.
    constexpr int fields = 8, idle = 3, iowait = 4;
    std::ifstream in{"/proc/stat"};
    std::string word;
    in >> word;
    ticks out;
    double n = 0;
    for (int field = 0; field < fields && in >> n; ++field) {
        out.all += n;
        if (field != idle && field != iowait) out.busy += n;
    }
    return out;
}

}  // namespace bsp::conformance::load
