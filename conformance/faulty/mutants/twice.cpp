#include "../faults.hpp"

#include <algorithm>

/// Faults that a single user, a single unpairing or a single epoch does not show.
namespace bsp::faulty {

namespace {

struct epoch_ignored : backend {
    using backend::backend;
    answer pull(call const& c, std::string const& peer_id) override {
        call without = c;
        std::erase_if(without.query, [](auto const& p) { return p.first == "epoch"; });
        return backend::pull(without, peer_id);
    }
};

struct deletion_counts_from_conversation : backend {
    using backend::backend;
    answer delete_conversation(call const& c, std::string const& id) override {
        deleting_ = true;
        answer out = backend::delete_conversation(c, id);
        deleting_ = false;
        return out;
    }
    std::int64_t next_version(conversation const& c, std::string const& message_id) override { return deleting_ ? c.version + 1 : backend::next_version(c, message_id); }

private:
    bool deleting_ = false;
};

struct title_counts_from_conversation : backend {
    using backend::backend;
    std::int64_t next_version(conversation const& c, std::string const& message_id) override { return message_id.empty() && !c.winner.deleted ? c.version + 1 : backend::next_version(c, message_id); }
};

struct user_from_query : backend {
    using backend::backend;
    result<principal> authenticate(call const& c, unsigned who_may, peer_record* of_path) override {
        BSP_TRY(principal who, backend::authenticate(c, who_may, of_path));
        if (std::string const* named = c.parameter("user_id"); named && who.kind == principal::user_kind) who.user_id = *named;
        return who;
    }
};

struct user_from_header : backend {
    using backend::backend;
    result<principal> authenticate(call const& c, unsigned who_may, peer_record* of_path) override {
        BSP_TRY(principal who, backend::authenticate(c, who_may, of_path));
        if (std::string const* named = c.request.headers.find("X-User-Id"); named && who.kind != principal::admin_kind) who.user_id = *named;
        return who;
    }
};

struct losers_of_everybody : backend {
    using backend::backend;
    json::array emit_losers(conversation const& c) override {
        json::array out;
        for (auto const& [user, all] : held().tenants)
            for (auto const& [id, other] : all)
                if (id == text_of_id(c)) for (auto& entry : backend::emit_losers(other)) out.push_back(std::move(entry));
        return out;
    }

private:
    static std::string text_of_id(conversation const& c) {
        auto const* id = json::find_string(c.winner.received, "conversation_id");
        return id ? std::string{json::view(*id)} : "";
    }
};

struct first_unpairing_stays : backend {
    using backend::backend;
    void unpair(peer_record const& peer, instant now) override {
        auto const found = held().unpaired.find({peer.user_id, peer.backend_id});
        backend::unpair(peer, found == held().unpaired.end() ? now : instant{found->second});
    }
};

struct unpairing_of_everybody : backend {
    using backend::backend;
    result<> check_unpairing(token const& t, claimed_identity const& who) override {
        for (auto const& [whose, when] : held().unpaired)
            if (whose.second == who.backend_id && t.created <= when) return fail(errc::invalid_sbt, "it is older than the last unpairing");
        return ok();
    }
};

struct receipts_by_backend : backend {
    using backend::backend;
    std::pair<std::string, std::string> receipt_key(peer_record const& peer, std::string const& sync_id) override { return {peer.user_id + " " + peer.backend_id, sync_id}; }
};

}  // namespace

std::vector<fault> twice_faults() {
    return {
        {"F-REG-172", "a second unpairing does not count", {"peer/unpair-twice"}, make<first_unpairing_stays>},
        {"F-REG-173", "an unpairing by one user ends the tokens of all", {"peer/unpair-of-one-user"}, make<unpairing_of_everybody>},
        {"F-SYN-325", "the epoch of a pull is ignored", {"syn/pull-epoch"}, make<epoch_ignored>},
        {"F-SYN-326", "the deletion of a conversation counts from the conversation alone", {"cnv/delete-conversation-version"}, make<deletion_counts_from_conversation>},
        {"F-SYN-327", "a new title counts from the conversation alone", {"cnv/title-version"}, make<title_counts_from_conversation>},
        {"F-SYN-328", "the user is taken from the query", {"aut/user-from-credential"}, make<user_from_query>},
        {"F-SYN-329", "the user is taken from a header", {"aut/user-from-credential"}, make<user_from_header>},
        {"F-SYN-330", "losing messages of all users are shown", {"cnv/losers-per-user"}, make<losers_of_everybody>},
        {"F-SYN-331", "sync ids are remembered across registrations of a backend", {"syn/sync-id-after-pairing-again"}, make<receipts_by_backend>},
    };
}

}  // namespace bsp::faulty
