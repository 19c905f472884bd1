#pragma once

#include <bsp/endpoint/caller/tenant_caller.hpp>
#include <bsp/endpoint/local_change.hpp>
#include <bsp/endpoint/response.hpp>
#include <bsp/wire/local_write.hpp>

#include <optional>
#include <string>
#include <utility>

namespace bsp::endpoint {

/// Writes a message on the user's behalf (chapter 8.3): 201 and the stored message, or 200 when the write
/// repeats what is already there.
struct write_message {
    static constexpr route at{"POST", "/conversations/{conversation_id}/messages"};
    using caller = tenant_caller;

    static result<http_response> serve(backend const& here, caller const& who, request const& r) {
        BSP_TRY(std::string const conversation_id, r.identifier("conversation_id"));
        BSP_TRY(json::value const body, r.body());
        BSP_TRY(json::fields const f, json::fields::of(body));
        BSP_TRY(auto const asked, wire::decode_local_write(f, r.now + limits::message_future_max));
        std::string const id = asked.id ? *asked.id : "msg_" + here.random_hex(16);

        return who.write([&](tenant_writer& mine) -> result<http_response> {
            BSP_TRY(auto const change, local_change::begin(here, mine, conversation_id, r.now));
            BSP_TRY(auto const before, change.message(mine, id));
            BSP_TRY(auto const as, who.form(mine));
            if (before && repeats(change, *before, asked)) return respond(privacy::emitted_message(before->body, as), 200);

            json::object scalars = change.kept_scalars(here.self.backend_id);
            if (asked.title) scalars["title"] = *asked.title;
            BSP_TRY(auto const write, change.write(std::move(scalars), message_of(here, change, before, asked, id)));
            BSP_CHECK(change.commit(mine, write));
            auto const& written = write.messages.front();
            return respond(privacy::emitted_message(before ? merge::join(*before, written).body : written.body, as), 201);
        });
    }

private:
    /// Whether everything that is given is already so (BSP-CNV-050).
    static bool repeats(local_change const& change, merge::message const& before, wire::local_write const& asked) {
        if (before.deleted || !change.conversation_is_live()) return false;
        json::value const stored = json::parse(before.body).value();
        for (auto const& [name, value] : asked.members) {
            auto const* held = stored.get_object().if_contains(name);
            if (!held || *held != value) return false;
        }
        if (!asked.title) return true;
        json::object const scalars = wire::emitted_scalars(*change.held);
        auto const* title = json::find_string(scalars, "title");
        return title && json::view(*title) == *asked.title;
    }

    static json::object message_of(backend const& here, local_change const& change, std::optional<merge::message> const& before,
                                   wire::local_write const& asked, std::string const& id) {
        json::object message = asked.members;
        message["id"] = id;
        message["version"] = change.version;
        message["source_backend"] = here.self.backend_id;
        if (before) message["source_backend"] = json::parse(before->body).value().at("source_backend");  // set once, by its origin
        if (!asked.has_timestamp) message["timestamp"] = change.timestamp_over(before);
        return message;
    }
};

}  // namespace bsp::endpoint
