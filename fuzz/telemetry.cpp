// One message of a telemetry stream: it gets one answer, and what is acknowledged is what a list gives back.

#include "target.hpp"

#include <bsp/endpoint/telemetry_intake.hpp>
#include <bsp/json/parse.hpp>
#include <bsp/testing/memory_store.hpp>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    using namespace bsp;
    static constexpr instant now{1'767'139'200, 0};
    testing::memory_store store;
    peer_record peer;
    peer.peer_id = "peer_1";
    peer.user_id = "ada";
    peer.sbt_expires_at = {now.seconds + 1, 0};
    fuzz::require(store.write([&](store_writer& w) { return w.put_peer(peer); }).has_value());

    endpoint::telemetry_intake intake{store};
    endpoint::stream_input const input{"peer_1", {std::string{reinterpret_cast<char const*>(data), size}}};
    auto const output = intake.take(std::span{&input, 1}, now).front();
    fuzz::require(!output.close && output.messages.size() == 1);
    auto const answer = json::parse(output.messages.front());
    fuzz::require(answer && answer->is_object());

    auto const stored = store.read([](store_reader& r) { return r.tenant("ada").events({}, {}, {}, 2); }).value();
    auto const told = wire::decode_event_answer(output.messages.front());
    fuzz::require(told.has_value());
    fuzz::require((told->what == wire::event_answer::kind::acked) == (stored.size() == 1));
    if (stored.empty()) return 0;
    fuzz::require(told->event_id == stored.front().event_id);
    auto const kept = json::parse(stored.front().body);
    fuzz::require(kept && stored.front().body.starts_with('{') && stored.front().body.ends_with('}'));
    auto const again = wire::decode_telemetry_event(*kept, stored.front().body);
    fuzz::require(again && again->event_id == stored.front().event_id && again->body == stored.front().body);
    return 0;
}
