#include "property.hpp"

#include "record.hpp"
#include "surroundings.hpp"

#include <rapidcheck.h>
#include <rapidcheck/detail/Property.h>

#include <chrono>
#include <mutex>

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

class search {
public:
    search(scenario& in, std::function<void(scenario&)> const& body) : parent_{in}, body_{body} {}

    /// The property as RapidCheck knows it. Its outcome for us is `last`.
    rc::detail::Property as_property() {
        return rc::detail::toProperty([this] {
            attempt now{record{*parent_.findings().what, parent_.findings().index}};
            now.found.names = parent_.findings().names;  // shared: fresh names at every attempt
            try {
                scenario inner{parent_.shared(), now.found};
                body_(inner);
            } catch (verdict_reached const& reached) {
                now.failed = now.found.failure.has_value();
                now.aborted = !now.failed;
                now.why = reached.verdict;
            }
            bool const bad = now.failed;
            last = std::move(now);
            RC_ASSERT(!bad);
        });
    }

    std::optional<attempt> last;

private:
    scenario& parent_;
    std::function<void(scenario&)> const& body_;
};

void adopt(record& into, attempt&& from) {
    into.steps = std::move(from.found.steps);
    into.seals = std::move(from.found.seals);
    into.keys = std::move(from.found.keys);
    into.failure = std::move(from.found.failure);
    for (auto& c : from.found.controls) into.controls.push_back(std::move(c));
    for (auto& n : from.found.notes) into.notes.push_back(std::move(n));
    into.reason = std::move(from.found.reason);
}

}  // namespace

void property(scenario& in, std::string_view name, property_budget budget, std::function<void(scenario&)> body) {
    // RapidCheck keeps what it generates with in one place; a process may run several suites.
    static std::mutex one_at_a_time;
    std::lock_guard const alone{one_at_a_time};
    search looking{in, body};
    auto const tested = looking.as_property();
    auto& mine = in.findings();
    auto const begin = steady::now();
    rc::Random seeds{in.shared().options.seed ^ std::hash<std::string_view>{}(name)};

    int cases = 0;
    std::optional<rc::Shrinkable<rc::detail::CaseDescription>> failing;
    std::size_t evidence = 0;
    auto const& world = in.shared();
    bool const by_the_clock = world.property_time.count() > 0;
    auto const time = by_the_clock ? world.property_time : budget.time;
    for (; (by_the_clock || cases < budget.cases) && steady::now() - begin < time; ++cases) {
        // From small to large; where time is all that counts, every size at any moment.
        int const size = by_the_clock ? 1 + static_cast<int>(seeds.split().next() % static_cast<unsigned>(budget.size)) : budget.cases > 1 ? budget.size * cases / (budget.cases - 1) : budget.size;
        auto const drawn = tested(seeds.split(), size);
        looking.last.reset();
        auto const description = drawn.value();
        if (description.result.type == rc::detail::CaseResult::Type::Discard) continue;
        if (!looking.last) throw std::runtime_error{"property " + std::string{name} + ": " + description.result.description};
        if (looking.last->aborted) {
            auto const why = looking.last->why;
            adopt(mine, std::move(*looking.last));
            throw verdict_reached{why};
        }
        evidence += looking.last->found.controls.size();
        if (looking.last->failed) {
            failing = drawn;
            break;
        }
    }
    mine.cases += static_cast<std::size_t>(cases);
    if (!failing) {
        if (evidence > 0) in.evidence(std::string{name} + ": held in " + std::to_string(cases) + " generated cases");
        return;
    }

    shrinking how;
    how.cases = cases + 1;
    attempt smallest = std::move(*looking.last);
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
            looking.last.reset();
            static_cast<void>(candidate->value());
            if (!looking.last || !looking.last->failed) continue;  // counts only if it fails again
            smallest = std::move(*looking.last);
            failing = *candidate;
            smaller = true;
            break;
        }
    }
    for (; how.repeated < 3; ++how.repeated) {
        looking.last.reset();
        static_cast<void>(failing->value());
        how.reproduced += looking.last && looking.last->failed;
    }
    adopt(mine, std::move(smallest));
    mine.shrunk = how;
    throw verdict_reached{verdict::fail};
}

}  // namespace bsp::conformance
