#include "../battery/decks.hpp"
#include "../registry.hpp"

// The battery: whatever is nearly a valid registration, assertion, push, notice or administrator's token, and is not.

namespace bsp::conformance {
namespace {

void assertions_of_peers(scenario& s) {
    battery::house in{s};
    battery::siege to{s, "peer assertions"};
    battery::deal_assertions(to, in, true);
    to.run();
    s.control(in.sibling.unpair(), "a peer's request to be unpaired");
}

void assertions_of_users(scenario& s) {
    battery::house in{s};
    battery::siege to{s, "user assertions"};
    battery::deal_assertions(to, in, false);
    to.run();
    s.control(in.user.del("/peers/" + in.sibling.peer_id()), "a user's request to unpair");
}

void registrations(scenario& s) {
    battery::house in{s};
    battery::siege to{s, "registrations"};
    battery::deal_registrations(to, in);
    to.run();
}

void pushes(scenario& s) {
    battery::house in{s};
    battery::siege to{s, "pushes"};
    battery::deal_pushes(to, in);
    to.run();
}

void admin_tokens(scenario& s) {
    battery::house in{s};
    battery::siege to{s, "administrator's tokens"};
    battery::deal_admin_tokens(to, in);
    to.run();
}

check const checks[] = {
    {.id = "sbt/battery", .title = "no registration that is wrong in one way is let in",
     .clauses = {"BSP-SBT-016", "BSP-SBT-002", "BSP-SBT-003", "BSP-SBT-008", "BSP-SBT-010", "BSP-SBT-014", "BSP-SBT-015", "BSP-SBT-020", "BSP-SBT-022", "BSP-SBT-023", "BSP-SBT-025", "BSP-SBT-027", "BSP-SBT-028", "BSP-SBT-029",
                 "BSP-SBT-030", "BSP-SBT-032", "BSP-SBT-033", "BSP-REG-006", "BSP-REG-028", "BSP-REG-044", "BSP-ID-023", "BSP-GEN-020", "BSP-GEN-035"},
     .impact = "somebody becomes a peer of a user who never agreed", .likely_cause = "a verification that was done once and is taken from a cache, or compares less than it should", .run = registrations, .needs = need::alone},
    {.id = "aut/battery-peers", .title = "no peer assertion that is wrong in one way is let in, at whatever door",
     .clauses = {"BSP-AUT-025", "BSP-AUT-001", "BSP-AUT-003", "BSP-AUT-004", "BSP-AUT-019", "BSP-AUT-020", "BSP-AUT-021", "BSP-AUT-022", "BSP-AUT-023", "BSP-AUT-024", "BSP-AUT-026", "BSP-AUT-027", "BSP-AUT-028", "BSP-AUT-029",
                 "BSP-AUT-030", "BSP-AUT-031", "BSP-AUT-032", "BSP-AUT-033", "BSP-AUT-034", "BSP-AUT-044", "BSP-SBT-038", "BSP-REG-040", "BSP-REG-043", "BSP-PRV-010", "BSP-PRV-089"},
     .impact = "somebody acts in the name of a device", .likely_cause = "one endpoint has an authentication of its own that leaves something out", .run = assertions_of_peers, .needs = need::alone},
    {.id = "aut/battery-users", .title = "no user assertion that is wrong in one way is let in, at whatever door",
     .clauses = {"BSP-AUT-040", "BSP-AUT-001", "BSP-AUT-003", "BSP-AUT-004", "BSP-AUT-022", "BSP-AUT-023", "BSP-AUT-038", "BSP-AUT-039", "BSP-AUT-041", "BSP-AUT-042", "BSP-AUT-043", "BSP-AUT-044", "BSP-SBT-038", "BSP-REG-040",
                 "BSP-PRV-010", "BSP-PRV-011", "BSP-PRV-076", "BSP-PRV-090"},
     .impact = "somebody reads, changes, exports or erases what belongs to a person", .likely_cause = "one endpoint has an authentication of its own that leaves something out", .run = assertions_of_users, .needs = need::alone},
    {.id = "aut/battery-pushes", .title = "no push that is wrong in one way is let in",
     .clauses = {"BSP-AUT-008", "BSP-AUT-009", "BSP-AUT-010", "BSP-AUT-011", "BSP-AUT-014", "BSP-AUT-056", "BSP-SYN-028", "BSP-SYN-034", "BSP-SYN-035", "BSP-SYN-036", "BSP-SYN-072", "BSP-GEN-020", "BSP-GEN-035", "BSP-GEN-041",
                 "BSP-GEN-042", "BSP-GEN-043", "BSP-GEN-046", "BSP-REG-043"},
     .impact = "somebody puts words into a person's mouth", .likely_cause = "a signature that was verified once counts for other content", .run = pushes, .needs = need::alone},
    {.id = "rot/battery", .title = "no rotation notice that is wrong in one way is let in",
     .clauses = {"BSP-ROT-003", "BSP-ROT-002", "BSP-ROT-005", "BSP-ROT-006", "BSP-ROT-007", "BSP-ROT-009", "BSP-ROT-010", "BSP-ROT-011", "BSP-ROT-012", "BSP-ROT-013", "BSP-ROT-016", "BSP-GEN-020"},
     .impact = "somebody takes over the registration of a device", .likely_cause = "the two signatures are verified without regard to which is which", .run = battery::besiege_rotation, .needs = need::alone},
    {.id = "aut/battery-admin", .title = "no administrator's token that is wrong in one way is let in", .clauses = {"BSP-AUT-050", "BSP-AUT-051", "BSP-AUT-003"}, .impact = "somebody else administers the backend",
     .likely_cause = "a comparison of a part, or without case", .run = admin_tokens, .needs = need::alone | need::admin_token},
};

}  // namespace

group battery_group() { return {"battery", profile::sec, checks}; }

}  // namespace bsp::conformance
