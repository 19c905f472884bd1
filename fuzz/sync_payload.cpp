// The body of a push: what is decoded keeps the bounds of chapter 6, and every message keeps its octets.

#include "target.hpp"

#include <bsp/base/identifier.hpp>
#include <bsp/json/c14n.hpp>
#include <bsp/json/parse.hpp>
#include <bsp/wire/sync_push.hpp>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    using namespace bsp;
    static constexpr instant latest{1'767'139'200, 0};
    auto const value = json::parse({reinterpret_cast<char const*>(data), size});
    if (!value || !value->is_object()) return 0;
    json::fields const fields{value->as_object(), ""};
    (void)wire::decode_push_envelope(fields);
    auto const form = json::canonical_form::of(fields.get(), {"signature"});
    if (!form) return 0;
    auto const push = wire::decode_sync_push(fields, *form, latest);
    if (!push) return 0;
    fuzz::require(is_identifier(push->sync_id));
    for (auto const& conversation : push->conversations) {
        fuzz::require(is_identifier(conversation.head.conversation_id));
        fuzz::require(conversation.head.version >= 0 && conversation.head.version <= limits::version_max);
        for (auto const& message : conversation.messages) {
            fuzz::require(is_identifier(message.id));
            fuzz::require(message.version >= 0 && message.version <= limits::version_max);
            fuzz::require(message.timestamp <= latest);
            auto const body = json::parse(message.body);
            fuzz::require(body && json::canonicalize(*body).value() == message.body);
        }
    }
    return 0;
}
