// What chapter 19 costs a push of one message: the observatory that sees the request, and the row in which its outcome is
// counted, in the same transaction as everything else.

#include "world.hpp"

#include <bsp/observe/observatory.hpp>

namespace {

using namespace bsp;
using bench::kind;

void push_one_message_watched(benchmark::State& state, kind k, bool observed) {
    bench::world w{k};
    window_limiter limits;
    refusal_trail trail{w.store()};
    observe::observatory seen;
    guards watch{limits, trail, observed ? &seen : nullptr};
    w.watch(watch);
    bench::measure(
        state,
        [&] {
            w.pass(std::chrono::milliseconds{700});  // within the budget of a minute
            return w.push({bench::conversation(w.fresh_id(), bench::messages(1, "m"))});
        },
        [&](http_request const& push) { bench::world::accepted(w.send(push)); });
}
BENCHMARK_CAPTURE(push_one_message_watched, memory_observed, kind::memory, true)->UseManualTime();
BENCHMARK_CAPTURE(push_one_message_watched, memory_not, kind::memory, false)->UseManualTime();
BENCHMARK_CAPTURE(push_one_message_watched, sqlite_observed, kind::sqlite, true)->UseManualTime();
BENCHMARK_CAPTURE(push_one_message_watched, sqlite_not, kind::sqlite, false)->UseManualTime();

/// The least that a push commits, with and without the row of its outcome.
void commit_of_a_push(benchmark::State& state, bool counted) {
    bench::world w{kind::sqlite};
    bench::measure(
        state, [] { return 0; },
        [&](int) {
            auto const done = w.store().write([&](store_writer& t) -> result<> {
                BSP_TRY(auto peer, t.peer(w.peer_id()));
                BSP_CHECK(t.put_peer(*peer));
                BSP_CHECK(t.append_audit({.type = audit_type::sync_accepted, .at = {1'767'139'200, 0}, .peer_id = w.peer_id()}));
                if (!counted) return ok();
                BSP_TRY(auto statistics, t.statistics(w.peer_id()));
                statistics.note_success();
                return t.put_statistics(w.peer_id(), statistics);
            });
            if (!done) throw std::runtime_error{done.error().detail};
        });
}
BENCHMARK_CAPTURE(commit_of_a_push, counted, true)->UseManualTime();
BENCHMARK_CAPTURE(commit_of_a_push, not_counted, false)->UseManualTime();

}  // namespace
