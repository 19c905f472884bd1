#include "../property.hpp"
#include "../registry.hpp"
#include "../surroundings.hpp"
#include "histories_world.hpp"

#include <rapidcheck.h>

#include <algorithm>
#include <type_traits>

// Random histories against the model: after any sequence of requests, lawful or not, everybody sees what the model
// holds. Alphabets are small on purpose, so that commands meet on the same things.

namespace bsp::conformance {
namespace {

using histories::command;
using histories::kind;
using histories::world;

/// Up to `most` commands of these kinds, each as often as it stands in the list; the first is the plainest.
rc::Gen<std::vector<command>> commands(std::vector<kind> const& kinds, int most) {
    auto const small = [](int below) { return rc::gen::inRange(0, below); };
    auto const some = [](int size, auto gen) { return rc::gen::resize(size, rc::gen::container<std::vector<std::decay_t<decltype(*gen)>>>(rc::gen::resize(rc::kNominalSize, gen))); };
    auto const messages = some(3, rc::gen::tuple(small(3), small(4), small(8), rc::gen::weightedElement<int>({{8, 0}, {3, 1}, {2, 2}, {1, 3}}), small(3)));
    auto const entry = rc::gen::tuple(small(4), small(8), small(3), rc::gen::weightedElement<int>({{8, 0}, {2, 1}, {1, 2}}));
    // RapidCheck narrows ranges with its size, so the size is that of lengths alone.
    return some(most, rc::gen::tuple(rc::gen::elementOf(kinds), small(6), small(2), entry, messages, small(12)));
}

struct emphasis {
    std::vector<kind> kinds;
    world::options given = {};
    property_budget budget = {};
    world::looks looks = {};        ///< at the end of every history …
    int lists_every = 6;       ///< … and the lists, which grow with what others do, at the end of one in so many
    std::optional<kind> opens_with = {};  ///< what takes so long that there are few histories, and each must have it
};

/// 0 … n-1, evenly, whatever the size of the case.
rc::Gen<int> below(int n) { return rc::gen::resize(rc::kNominalSize, rc::gen::inRange(0, n)); }

void hold(scenario& in, std::string_view name, emphasis e) {
    e.given.deletes_conversations = histories::messages_outlive_deletion(in);
    auto const inputs = rc::gen::tuple(commands(e.kinds, e.budget.size), below(6), below(e.lists_every), below(12));
    property(in, name, e.budget, inputs, [e](scenario& s, auto const& drawn) {
        auto const& [history, of_looks, of_lists, of_opening] = drawn;
        auto looks = e.looks;
        looks.from_nothing = looks.newcomer && of_looks == 1;
        looks.lists = of_lists == 1;
        auto given = e.given;
        given.revokes = std::any_of(history.begin(), history.end(), [](command const& c) { return std::get<kind>(c) == kind::revoke; });
        world w{s, given};
        if (e.opens_with) w.perform({*e.opens_with, 0, 0, {}, {}, of_opening});
        for (auto const& c : history) w.perform(c);
        w.everything_agrees(looks);
    });
}

using enum kind;

void of_users(scenario& in) {
    hold(in, "of two users with the same ids each sees what is their own",
         {.kinds = {push, push, push, write, write, delete_message, delete_conversation, read, pull}, .given = {.users = 2, .peers = 1}, .budget = {.cases = 18, .size = 14, .time = std::chrono::seconds{8}}, .lists_every = 3});
}

void of_states(scenario& in) {
    hold(in, "after any history of pushes and local writes a conversation is what the rules make of it",
         {.kinds = {push, push, push, push, write, write, delete_message, delete_conversation}, .budget = {.cases = 24, .size = 20, .time = std::chrono::seconds{8}}});
}

void of_feeds(scenario& in) {
    hold(in, "who only pulls what is new holds what the server holds",
         {.kinds = {push, push, push, pull, pull, pull, write, delete_message, delete_conversation},
          .budget = {.cases = 18, .size = 18, .time = std::chrono::seconds{8}},
          .looks = {.newcomer = true}});
}

void of_refusals(scenario& in) {
    hold(in, "what is refused changes nothing, and what was accepted counts once",
         {.kinds = {push, push, push, push, push, push, push_again, push_other_body, push_id_of_another_peer, forged, signed_by_another, to_another_path, signature_missing, not_fresh, cut_short, invalid_item,
                    invalid_item, other_names, assertion_again, write_with_other_secret, delete_with_other_secret, read_with_other_key, delete_message},
          .budget = {.cases = 24, .size = 20, .time = std::chrono::seconds{8}}});
}

void of_refusals_between_users(scenario& in) {
    hold(in, "nobody's requests reach another user's data",
         {.kinds = {push, push, push, signed_by_another, to_another_path, push_id_of_another_peer, push_again, read_with_other_key, read_with_other_key, write, write_with_other_secret, delete_with_other_secret, assertion_again},
          .given = {.users = 2, .peers = 2},
          .budget = {.cases = 16, .size = 14, .time = std::chrono::seconds{8}}});
}

void of_registrations(scenario& in) {
    hold(in, "whoever is paired is served, and nobody else",
         {.kinds = {enrol, enrol, enrol, enrol, enrol, enrol, push, push, unpair, unpair, pair_again, pair_again, pull, write, revoke},
          .given = {.users = in.shared().options.users.size() > 1 ? 2 : 1, .peers = 1},
          .budget = {.cases = 18, .size = 18, .time = std::chrono::seconds{8}},
          .looks = {.peers = true}});
}

void with_restarts(scenario& in) {
    hold(in, "a restart in the middle of a history changes nothing",
         {.kinds = {push, push, push, restart, pull, write, push_again, push_other_body, delete_message, delete_conversation, enrol, unpair},
          .budget = {.cases = 6, .size = 24, .time = std::chrono::milliseconds{6000}},
          .looks = {.peers = true, .newcomer = true}});
}

void with_crashes(scenario& in) {
    hold(in, "what was acknowledged before a crash is there after it",
         {.kinds = {push, push, push, kill, kill, write, push_again, delete_message, pull, delete_conversation, enrol, unpair},
          .budget = {.cases = 6, .size = 20, .time = std::chrono::milliseconds{6000}},
          .looks = {.peers = true, .newcomer = true}});
}

void with_expiry(scenario& in) {
    hold(in, "whose token has run out is refused until it brings a newer one, and loses nothing",
         {.kinds = {push, run_out, push, write, run_out, delete_message, pull}, .given = {.users = 1, .peers = 1}, .budget = {.cases = 2, .size = 5, .time = std::chrono::milliseconds{2000}}, .opens_with = run_out});
}

void of_digests(scenario& in) {
    if (!histories::digest_is_offered(in)) in.not_applicable("the digest is not offered");
    bool const outlive = histories::messages_outlive_deletion(in);
    property(in, "the digest changes exactly when the live state does", {.cases = 8, .size = 10, .time = std::chrono::seconds{8}}, commands({push, push, push, push_again, forged, delete_message, write, delete_conversation, pull}, 10), [outlive](scenario& s, auto const& drawn) {
        world w{s, {.users = 1, .peers = 2, .deletes_conversations = outlive}};
        w.digest_agrees();
        for (auto const& c : drawn) {
            w.perform(c);
            w.digest_agrees();
        }
    });
}

void at_once(scenario& in) {
    property(in, "the result of pushes that arrive at once is the join of those acknowledged", {.cases = 12, .size = 12, .time = std::chrono::seconds{8}}, commands({push}, 12), [](scenario& s, auto const& drawn) {
        world w{s, {.users = s.shared().options.users.size() > 1 ? 2 : 1, .peers = 2}};
        for (std::size_t from = 0; from < drawn.size(); from += 6)
            w.perform_together({drawn.begin() + static_cast<std::ptrdiff_t>(from), drawn.begin() + static_cast<std::ptrdiff_t>(std::min(from + 6, drawn.size()))});
        w.everything_agrees({});
    });
}

check const checks[] = {
    {.id = "cnv/history-users",
     .title = "whatever two users with the same ids do, each sees exactly what is their own",
     .clauses = {"BSP-CNV-003", "BSP-CNV-004", "BSP-MRG-003", "BSP-SYN-103", "BSP-SYN-042"},
     .impact = "one user reads, overwrites or deletes what another wrote",
     .likely_cause = "a lookup by conversation or message id without the user beside it",
     .run = of_users,
     .needs = need::generator | need::second_user},
    {.id = "mrg/history-states",
     .title = "after any history of pushes, writes and deletions a conversation is what the rules make of it",
     .clauses = {"BSP-MRG-021", "BSP-MRG-010", "BSP-MRG-014", "BSP-MRG-030", "BSP-MRG-032", "BSP-MRG-033", "BSP-MRG-040", "BSP-MRG-051", "BSP-MRG-052", "BSP-MRG-055", "BSP-MRG-060", "BSP-MRG-070", "BSP-MRG-071"},
     .impact = "messages are lost or come back, and devices disagree for ever",
     .likely_cause = "a rule that holds for a single push and not for the state that earlier ones left behind",
     .run = of_states,
     .needs = need::generator},
    {.id = "syn/history-feeds",
     .title = "a peer that only ever pulls what is new ends with what the server holds",
     .clauses = {"BSP-SYN-107", "BSP-SYN-104", "BSP-SYN-106", "BSP-SYN-116", "BSP-SYN-118", "BSP-SYN-127", "BSP-SYN-128", "BSP-CNV-007"},
     .impact = "a device never hears of a message, of a deletion, or of a conversation that came back",
     .likely_cause = "a kind of change that does not move its conversation to the end of the feed",
     .run = of_feeds,
     .needs = need::generator},
    {.id = "syn/history-refusals",
     .title = "in any history what is refused changes nothing, and what was accepted counts once",
     .clauses = {"BSP-SYN-051", "BSP-SYN-050", "BSP-SYN-070", "BSP-SYN-071", "BSP-SYN-072", "BSP-SYN-073", "BSP-SYN-074", "BSP-AUT-055", "BSP-AUT-044", "BSP-AUT-008"},
     .impact = "a forged, broken or repeated request leaves something behind",
     .likely_cause = "state is written before all checks are done",
     .run = of_refusals,
     .needs = need::generator},
    {.id = "aut/history-strangers",
     .title = "in any history a request reaches only the data of the one who signed it",
     .clauses = {"BSP-AUT-014", "BSP-AUT-008", "BSP-AUT-025", "BSP-AUT-044", "BSP-SYN-042", "BSP-SYN-074"},
     .impact = "a backend writes into, or reads from, the data of another user",
     .likely_cause = "user or key are looked up by something that the request says instead of by the registration",
     .run = of_refusals_between_users,
     .needs = need::generator | need::second_user},
    {.id = "reg/history-registrations",
     .title = "after any history of registrations and removals exactly those who are paired are served",
     .clauses = {"BSP-REG-023", "BSP-REG-024", "BSP-REG-025", "BSP-REG-026", "BSP-REG-027", "BSP-REG-028", "BSP-REG-031", "BSP-REG-035", "BSP-REG-037", "BSP-REG-041", "BSP-REG-043", "BSP-REG-044", "BSP-REG-045",
                 "BSP-REG-046", "BSP-REG-047", "BSP-REG-048"},
     .impact = "a removed backend goes on reading, or a paired one is shut out",
     .likely_cause = "what remains of an earlier registration is taken for the present one",
     .run = of_registrations,
     .needs = need::generator | need::all_users},
    {.id = "syn/history-restarts",
     .title = "a restart in the middle of a history changes nothing",
     .clauses = {"BSP-SYN-056", "BSP-SYN-130", "BSP-SYN-070", "BSP-SYN-072"},
     .impact = "after a restart messages, pairings or the place in the feed are gone",
     .likely_cause = "something that must be durable is kept in memory",
     .run = with_restarts,
     .needs = need::generator | need::restart_hook | need::alone},
    {.id = "syn/history-crashes",
     .title = "what was acknowledged before a crash in the middle of a history is there after it",
     .clauses = {"BSP-SYN-056", "BSP-SYN-130", "BSP-SYN-070"},
     .impact = "a message that the server acknowledged is lost when the machine loses power",
     .likely_cause = "200 is answered before the transaction is on disk",
     .run = with_crashes,
     .needs = need::generator | need::kill_hook | need::alone},
    {.id = "reg/history-expiry",
     .title = "in any history a peer whose token has run out is refused until it brings a newer one, and loses nothing",
     .clauses = {"BSP-SBT-035", "BSP-SBT-036", "BSP-SBT-037", "BSP-REG-037"},
     .impact = "a device paired for a day reads and writes for ever, or every evening starts from nothing",
     .likely_cause = "expiry is looked at on some routes only, or ends the registration",
     .run = with_expiry,
     .needs = need::generator},
    {.id = "syn/history-digest",
     .title = "after any history the digest, where it is offered, has changed exactly when the live state has",
     .clauses = {"BSP-SYN-142", "BSP-SYN-143"},
     .impact = "backends that agree take each other for different, or do not notice that they differ",
     .likely_cause = "the digest covers something that is not live, or leaves something out",
     .run = of_digests,
     .needs = need::generator | need::alone,
     .strength = obligation::should},
    {.id = "syn/history-together",
     .title = "the result of any pushes that arrive at once is the join of those that were acknowledged",
     .clauses = {"BSP-SYN-054", "BSP-SYN-052", "BSP-MRG-021", "BSP-SYN-107"},
     .impact = "of devices that sync at once, one loses what it sent although it was told \"synced\"",
     .likely_cause = "the state is read, joined and written back without one transaction around it",
     .run = at_once,
     .needs = need::generator | need::all_users},
};

}  // namespace

group histories_group() { return {"histories", profile::syn, checks}; }

}  // namespace bsp::conformance
