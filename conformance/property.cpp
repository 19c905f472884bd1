#include "property.hpp"

#include "record.hpp"
#include "surroundings.hpp"

#include <chrono>
#include <cmath>
#include <optional>

namespace bsp::conformance {
namespace {

using steady = std::chrono::steady_clock;

/// One execution of a property's body, with a record of its own.
struct attempt {
    record found;
    bool failed = false;
    bool aborted = false;  ///< ended by something that is not about the property: a control, the network, our own fault
    verdict why = verdict::inconclusive;
};

/// Runs a case, with a record and fresh names of its own.
attempt tried(scenario& in, property_case const& body) {
    attempt out{record{*in.findings().what, in.findings().index}};
    out.found.names = in.findings().names;  // shared: fresh names at every attempt
    try {
        scenario inner{in.shared(), out.found};
        body(inner);
    } catch (verdict_reached const& reached) {
        out.failed = out.found.failure.has_value();
        out.aborted = !out.failed;
        out.why = reached.verdict;
    }
    return out;
}

void adopt(record& into, attempt&& from) {
    into.steps = std::move(from.found.steps);
    into.seals = std::move(from.found.seals);
    into.keys = std::move(from.found.keys);
    into.failure = std::move(from.found.failure);
    for (auto& c : from.found.controls) into.controls.push_back(std::move(c));
    for (auto& n : from.found.notes) into.notes.push_back(std::move(n));
    into.reason = std::move(from.found.reason);
}

/// The n-th of numbers in (0, 1) that lie about evenly however many are taken (van der Corput's): where time is over
/// early, large cases were tried, too.
double spread(unsigned n) {
    double out = 0, half = 1;
    for (; n > 0; n /= 2) out += (n % 2) * (half /= 2);
    return out;
}

}  // namespace

void property(scenario& in, std::string_view name, property_budget budget, rc::Gen<property_case> const& cases) {
    auto& mine = in.findings();
    auto const begin = steady::now();
    rc::Random seeds{in.shared().options.seed ^ std::hash<std::string_view>{}(name)};

    int count = 0;
    std::optional<rc::Shrinkable<property_case>> failing;
    attempt smallest{record{*mine.what, mine.index}};
    std::size_t evidence = 0;
    auto const& world = in.shared();
    bool const by_the_clock = world.property_time.count() > 0;
    auto const time = by_the_clock ? world.property_time : budget.time;
    for (; !failing && (by_the_clock || count < budget.cases) && steady::now() - begin < time; ++count) {
        auto const size = static_cast<int>(std::ceil(budget.size * spread(static_cast<unsigned>(count) + 1)));
        auto const drawn = cases(seeds.split(), size);
        auto now = tried(in, drawn.value());
        if (now.aborted) {
            auto const why = now.why;
            adopt(mine, std::move(now));
            throw verdict_reached{why};
        }
        evidence += now.found.controls.size();
        if (now.failed) {
            failing = drawn;
            smallest = std::move(now);
        }
    }
    mine.cases += static_cast<std::size_t>(count);
    if (!failing) {
        if (evidence > 0) in.evidence(std::string{name} + ": held in " + std::to_string(count) + " generated cases");
        return;
    }

    shrinking how;
    how.cases = count;
    how.steps_before = smallest.found.steps.size();
    how.first = *smallest.found.failure;
    how.first_steps = smallest.found.steps;
    world.counterexample(*mine.what, how.first, how.steps_before);
    auto const shrink_until = steady::now() + world.shrink_time;
    for (bool smaller = true; smaller && steady::now() < shrink_until;) {
        smaller = false;
        auto candidates = failing->shrinks();
        while (auto const candidate = candidates.next()) {
            if (steady::now() >= shrink_until) break;
            ++how.attempts;
            auto now = tried(in, candidate->value());
            if (!now.failed) continue;  // counts only if it fails again
            smallest = std::move(now);
            failing = *candidate;
            smaller = true;
            break;
        }
    }
    for (; how.repeated < 3; ++how.repeated) how.reproduced += tried(in, failing->value()).failed;
    adopt(mine, std::move(smallest));
    mine.shrunk = how;
    throw verdict_reached{verdict::fail};
}

}  // namespace bsp::conformance
