#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace bsp::conformance {

class scenario;

/// RFC 2119 strength of what a check proves. Only `must` fails a run by default; `should` warns, `may`
/// records what the target does.
enum class obligation : std::uint8_t { must, should, may };

/// What a finding is about. `behaviour`: accepted, refused, no effect. `exactness`: the status,
/// code, header or member that says so. Level Compatible judges behaviour, level Strict both.
enum class aspect : std::uint8_t { behaviour, exactness };

/// A set of features that a backend offers as a whole.
#define BSP_PROFILES(X) X(gen, "GEN", "HTTP, JSON and errors") X(id, "ID", "identity") X(reg, "REG", "registration, peers and authentication") X(syn, "SYN", "sync, merge and conversations") \
    X(tel, "TEL", "telemetry") \
    X(mpp, "MPP", "platforms and languages") \
    X(sec, "SEC", "security: key rotation, limits, audit and transport") \
    X(prv, "PRV", "privacy: consent, retention, export, erasure") \
    X(obs, "OBS", "observability: metrics, debugging, alerts") \
    X(off, "OFF", "the client side; only with --peer-listen") \
    X(fuzz, "FUZZ", "hostile requests, generated; only on demand")

enum class profile : std::uint8_t {
#define BSP_X(name, text, title) name,
    BSP_PROFILES(BSP_X)
#undef BSP_X
};

/// What a check cannot do without. Where it is missing the check is UNTESTED and says why.
enum need : unsigned {
    nothing = 0,
    second_user = 1u << 0,  ///< another user than the first, for isolation
    all_users = 1u << 14,    ///< touches the data of both users where there are two, and does without the second
    admin_token = 1u << 1,
    restart_hook = 1u << 2,  ///< --restart-cmd
    kill_hook = 1u << 3,     ///< --kill-cmd
    sockets = 1u << 4,       ///< `scenario::raw`
    patience = 1u << 10,     ///< mostly waits: begun first, beside everything else
    a_minute = 1u << 11,     ///< waits until a minute is over; otherwise as `patience`: only with --patient, or when it is named
    alone = 1u << 5,         ///< runs after all others, with nothing beside it (timing, floods, restarts)
    at_the_end = 1u << 15,   ///< judges what all others were answered: runs after them, beside its like
    own_user = 1u << 13,     ///< runs with nothing beside it that touches the data of its user; the only one it has, unless with `second_user`: who is not its own
    generator = 1u << 6,     ///< calls `property`: another seed looks at other cases
    hosted_target = 1u << 7, ///< says nothing about a backend of type local (NOT-APPLICABLE there)
    local_target = 1u << 8,  ///< says nothing about a backend of type hosted
    peer_listener = 1u << 9, ///< --peer-listen: the suite is a backend that the target calls
    clock_hook = 1u << 12,   ///< --clock-url: runs last of all, for it moves the target's clock
};

/// One thing that is judged: data and a function. `id` is permanent: it is what baselines, reports and
/// kill matrices know a check by.
struct check {
    std::string_view id;                          ///< "area/slug", both of [a-z0-9-]; the area is that of its clauses
    std::string_view title;                       ///< one sentence, what holds when the check passes
    std::vector<std::string_view> clauses;        ///< "BSP-SYN-020", at least one; the first names the check in reports
    std::string_view impact;                      ///< what happens to people when it does not hold
    std::string_view likely_cause;                ///< the programming mistake that usually explains it
    void (*run)(scenario&) = nullptr;
    unsigned needs = nothing;                     ///< of `need`
    obligation strength = obligation::must;
    aspect about = aspect::behaviour;             ///< `exactness`: the whole check is about form
};

/// The checks of one file checks/<name>.cpp.
struct group {
    std::string_view name;
    conformance::profile profile;
    std::span<check const> checks;
};

}  // namespace bsp::conformance
