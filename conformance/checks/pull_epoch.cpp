#include "../registry.hpp"
#include "../scenario.hpp"

#include <bsp/base/uri.hpp>

// Section 6.4, the epoch of the store.

namespace bsp::conformance {
namespace {

void foreign_epoch(scenario& s) {
    auto const a = s.register_peer();
    auto const first = a.pull();
    s.control(first, "a pull");
    auto const epoch = first.text("/epoch");
    if (epoch.empty()) s.not_applicable("the backend gives no epoch");
    auto const path = "/sync/" + a.peer_id() + "?epoch=";
    auto const since = "&since=" + percent_encode_segment(s.in_seconds(-60));
    exactly_as const changed{.statuses = {409}, .codes = {"epoch-changed"}};
    s.accepted(a.get(path + percent_encode_segment(epoch)), "a pull with the present epoch");
    s.refused(a.get(path + s.fresh("epoch")), "a pull with a foreign epoch", changed);
    s.refused(a.get(path + s.fresh("epoch") + since), "a pull with a foreign epoch and since", changed);
    s.refused(a.get(path + percent_encode_segment(epoch + "0")), "a pull with an epoch that begins with the present one", changed);
    s.accepted(a.get(path + percent_encode_segment(epoch) + since), "a pull with the present epoch and since");
}

check const checks[] = {
    {.id = "syn/pull-epoch",
     .title = "a pull under a foreign epoch is told that the epoch changed",
     .clauses = {"BSP-SYN-131"},
     .impact = "after a backup was restored, clients go on from a watermark that the server never gave and miss what was lost",
     .likely_cause = "the parameter epoch is ignored",
     .run = foreign_epoch,
     .strength = obligation::should},
};

}  // namespace

group pull_epoch_group() { return {"pull-epoch", profile::syn, checks}; }

}  // namespace bsp::conformance
