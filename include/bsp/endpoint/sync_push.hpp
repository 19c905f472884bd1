#pragma once

#include <bsp/endpoint/admission.hpp>
#include <bsp/endpoint/caller/signing_peer.hpp>
#include <bsp/endpoint/consent.hpp>
#include <bsp/endpoint/join_into.hpp>
#include <bsp/endpoint/response.hpp>
#include <bsp/merge/lamport.hpp>

#include <string>
#include <utility>
#include <vector>

namespace bsp::endpoint {

/// Takes what changed at the peer (spec chapter 6.2): joined as a whole or not at all, committed before
/// the answer, and without effect when repeated.
struct sync_push {
    static constexpr route at{"POST", "/sync/{peer_id}"};
    static constexpr auto refused = audit_type::sync_rejected;
    using caller = signing_peer;

    static result<http_response> serve(backend const& here, caller const& who, request const& r) {
        BSP_TRY(auto push, wire::decode_sync_push(who.body(), who.form(), r.now + limits::message_future_max));
        BSP_TRY(std::string answer, who.write([&](store_writer& w) { return apply(here, w, who.peer(), push, r); }));
        return respond(std::move(answer));
    }

private:
    static result<std::string> apply(backend const& here, store_writer& w, peer_record const& peer, wire::sync_push& push, request const& r) {
        instant const now = r.now;
        auto& mine = w.tenant(peer.user_id);
        BSP_TRY(instant const commit, mine.begin_change(now));  // from here on this user's writers wait for each other
        BSP_CHECK(conversations_are_exchanged(mine));

        BSP_TRY(auto const earlier, mine.receipt(peer.peer_id, push.sync_id));
        if (earlier && earlier->accepted_at > now - limits::sync_id_kept) {
            if (earlier->conversations_sha256 != push.conversations_sha256) return fail(errc::sync_id_reuse, "this sync_id was accepted with other conversations");
            BSP_CHECK(w.append_audit(accepted(peer, now, {{"repeated", 1}})));
            BSP_CHECK(note_success(w, peer.peer_id));
            return earlier->acknowledgement;
        }

        wire::sync_ack ack{.acked_sync_id = push.sync_id, .conflicts = {}, .next_sync_in_ms = here.config.sync_interval_ms};
        BSP_TRY(auto const gate, admission::of(here.self.backend_type, mine, now));
        std::size_t messages = 0, leaps = 0;
        for (auto& conversation : push.conversations) {
            BSP_TRY(bool const admitted, gate.admit(mine, conversation, ack.conflicts));
            messages += conversation.messages.size();
            if (!admitted) continue;
            BSP_TRY(std::int64_t const step, join_into(mine, std::move(conversation), commit, ack.conflicts));
            leaps += step > merge::version_step_max;
        }

        std::string answer = wire::encode(ack);
        BSP_CHECK(mine.put_receipt({peer.peer_id, push.sync_id, push.conversations_sha256, answer, now}));
        BSP_CHECK(count(w, peer.peer_id, now));
        BSP_CHECK(note_success(w, peer.peer_id));
        auto const number = [](std::size_t n) { return static_cast<std::int64_t>(n); };
        std::vector<std::pair<std::string_view, std::int64_t>> counts{{"conversations", number(push.conversations.size())}, {"messages", number(messages)}, {"conflicts", number(ack.conflicts.size())}};
        if (leaps > 0) counts.emplace_back("version_leaps", number(leaps));
        BSP_CHECK(w.append_audit(accepted(peer, now, std::move(counts))));
        r.notes.messages = messages;
        r.notes.conflicts = ack.conflicts.size();
        return answer;
    }

    static result<> note_success(store_writer& w, std::string const& peer_id) {
        BSP_TRY(auto counted, w.statistics(peer_id));
        counted.note_success();
        return w.put_statistics(peer_id, counted);
    }

    static audit_event accepted(peer_record const& peer, instant now, std::vector<std::pair<std::string_view, std::int64_t>> counts) {
        return {.type = audit_type::sync_accepted, .at = now, .user_id = peer.user_id, .peer_id = peer.peer_id, .backend_id = peer.backend_id, .counts = std::move(counts)};
    }

    /// The counters of the peer, read again inside the transaction.
    static result<> count(store_writer& w, std::string const& peer_id, instant now) {
        BSP_TRY(auto current, w.peer(peer_id));
        if (!current) return fail(errc::unknown_peer, "there is no such registration");
        current->last_sync = now;
        ++current->total_syncs;
        return w.put_peer(*current);
    }
};

}  // namespace bsp::endpoint
