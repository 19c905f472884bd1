#pragma once

#include <bsp/json/fields.hpp>
#include <bsp/json/parse.hpp>
#include <bsp/sync/answer.hpp>
#include <bsp/sync/outgoing.hpp>
#include <bsp/sync/progress_book.hpp>
#include <bsp/sync/retry.hpp>
#include <bsp/wire/pull_page.hpp>
#include <bsp/wire/rotate_key.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

namespace bsp::sync {

/// Tells one peer of our new key, until it knows (section 13.4). A notice that has no good answer may have arrived all
/// the same, and a repetition would be refused then; so a pull signed with the new key asks which of the two the peer
/// believes. As long as that is open nothing else is sent, because nobody knows what to sign it with.
class key_notifier {
public:
    key_notifier(own_backend& self, progress_book& book) : self_{self}, book_{book} {}

    /// Whether there is a new key of which the peer has not been told.
    [[nodiscard]] bool is_due() const { return self_.replaced && book_->known_key != self_.fingerprint(); }

    /// Whether it is open which key the peer believes.
    [[nodiscard]] bool is_open() const { return is_due() && (flight_.is_up() || !knows_old_ || about_ != self_.fingerprint()); }

    void handle_reconnect() { retry_.reset(); }

    /// With `token_holds` false, a notice only: what else is asked would be refused whatever the key.
    std::optional<outgoing> poll_request(peer_record const& peer, bool token_holds, moment now) {
        if (!is_due()) return std::nullopt;
        if (about_ != self_.fingerprint()) begin();
        if (flight_.is_overdue(now)) handle_silence(flight_.id(), {}, now);
        if (flight_.is_up() || retry_.waits(now) || (asks_ && !token_holds)) return std::nullopt;
        auto out = asks_ ? question(peer, now) : notice(peer, now);
        if (!out) {
            fail(now, out.error().detail);
            return std::nullopt;
        }
        if (!asks_) knows_old_ = false;  // not for certain any more
        flight_.begin(*out);
        return *std::move(out);
    }

    [[nodiscard]] bool awaits(std::uint64_t id) const { return flight_.is(id); }

    [[nodiscard]] timeout poll_timeout(bool token_holds) const {
        if (flight_.is_up()) return flight_.deadline();
        if (asks_ && !token_holds) return std::nullopt;
        return retry_.until().value_or(std::chrono::nanoseconds{});
    }

    /// The consequence of an answer; `none` also when the peer knows now, which `is_due` tells.
    consequence handle_response(std::uint64_t id, http_response const& response, moment now) {
        if (!flight_.end(id)) return consequence::none;
        bool const knows = asks_ ? is_page(response) : is_receipt(response);
        if (knows) {
            auto const kept = book_.write([&](peer_progress& p) { p.known_key = self_.fingerprint(); });
            if (!kept) fail(now, kept.error().detail);
            return consequence::none;
        }
        auto const what = meaning_of(response);
        if (!asks_) {
            asks_ = true;  // it may have arrived before
            if (what == meaning::transient) fail(now, describe(response));
            return consequence::none;
        }
        if (what == meaning::success || what == meaning::transient) return fail(now, describe(response)), consequence::none;
        if (what == meaning::token_refused) return consequence::await_token;
        asks_ = false;
        knows_old_ = response.status == 401;
        fail(now, "the peer does not take our new key: " + describe(response));
        return knows_old_ ? consequence::none : consequence::pause_peer;
    }

    void handle_silence(std::uint64_t id, std::string_view why, moment now) {
        if (!flight_.end(id)) return;
        asks_ = true;
        fail(now, no_answer("a notice of our new key", why));
    }

private:
    void begin() {
        about_ = self_.fingerprint();
        asks_ = knows_old_ = false;
        flight_.abandon();
        retry_.reset();
    }

    result<outgoing> notice(peer_record const& peer, moment now) {
        wire::key_rotation const what{.peer_id = peer.endpoints->peer_id, .backend_id = self_.self.backend_id, .target_backend_id = peer.backend_id, .new_public_key = {},
                                      .rotated_at = now.wall, .grace_expires_at = std::max(now.wall, self_.replaced->grace_expires_at)};
        BSP_TRY(auto const body, wire::sign_key_rotation(what, self_.replaced->key, self_.key));
        return self_.request("POST", rotation_url(peer), json::serialize(body), now.steady + limits::request_timeout);
    }

    result<outgoing> question(peer_record const& peer, moment now) {
        auto out = self_.request("GET", peer.endpoints->sync_endpoint + "?limit=1", "", now.steady + limits::request_timeout);
        out.request.headers.add("Authorization", "BSP " + self_.assertion(peer, self_.key, out.request, now));
        return out;
    }

    /// `POST /peers/{peer_id}/rotate-key` at the base URL of the sync endpoint.
    static std::string rotation_url(peer_record const& peer) {
        auto const health = health_url(peer.endpoints->sync_endpoint, peer.endpoints->peer_id);
        return health.substr(0, health.size() - std::string_view{"/health"}.size()) + "/peers/" + peer.endpoints->peer_id + "/rotate-key";
    }

    static bool is_receipt(http_response const& response) {
        auto const body = response.status == 200 ? json::parse(response.body) : result<json::value>{bsp::fail(errc::internal, "")};
        auto const* object = body ? body->if_object() : nullptr;
        auto const* status = object ? json::find_string(*object, "status") : nullptr;
        return status && json::view(*status) == "rotated";
    }
    static bool is_page(http_response const& response) { return response.status == 200 && wire::decode_pull_page(response.body); }

    void fail(moment now, std::string const& why) {
        retry_.handle_failure(now);
        book_.note([&](peer_progress& p) { p.counters.push_error = why; },
                   {.what = sync_occurrence::kind::failed, .at = now.wall, .sync_id = {}, .conversations = 0, .messages = 0, .error = why});
    }

    own_backend& self_;
    progress_book& book_;
    std::string about_;        ///< fingerprint of the key that the rest is about
    bool asks_ = false;        ///< the next request asks what became of the notice
    bool knows_old_ = false;   ///< the peer was asked, and believes the replaced key
    flight flight_;
    backoff retry_;
};

}  // namespace bsp::sync
