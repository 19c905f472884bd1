#include "../liberties.hpp"

#include <bsp/crypto/sha256.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

/// Liberties of merging and of conversations (chapters 7 and 8).
namespace bsp::faulty {

namespace {

http_response problem_of(int status, std::string const& title) {
    return {status, {{"Content-Type", "application/problem+json"}}, json::serialize(json::object{{"type", "about:blank"}, {"title", title}, {"status", status}, {"detail", title}, {"code", "not-found"}})};
}

// ---- conflicts ----------------------------------------------------------------------------------------------

/// Every message that differs from the one held is listed, and every conversation whose members lost.
template <class Base>
struct many_conflicts : Base {
    using Base::Base;

protected:
    std::optional<json::object> conflict(std::string const& conversation_id, message const& held, message const& incoming) override {
        if (auto const due = Base::conflict(conversation_id, held, incoming); due || is_keeping_ || held.canonical == incoming.canonical) return due;
        return json::object{{"conversation_id", conversation_id},
                            {"message_id", incoming.id},
                            {"local_version", held.version},
                            {"incoming_version", incoming.version},
                            {"conflict_type", "other_version"},
                            {"resolution_strategy", "higher_version"},
                            {"winner", this->outranks(incoming, held) ? "incoming" : "local"}};
    }
    void keep_losers(conversation& into, conversation const& from, instant now) override {
        is_keeping_ = true;
        Base::keep_losers(into, from, now);
        is_keeping_ = false;
    }
    json::array apply(peer_record const& peer, tenant const& incoming, instant now) override {
        json::array lost;
        tenant const& all = this->tenant_of(peer.user_id);
        for (auto const& [id, c] : incoming)
            if (auto const held = all.find(id); held != all.end() && held->second.winner.digest != c.winner.digest && !this->write_outranks(c.winner, held->second))
                lost.push_back(json::object{{"conversation_id", id},
                                            {"local_version", held->second.winner.version},
                                            {"incoming_version", c.winner.version},
                                            {"conflict_type", "stale_metadata"},
                                            {"resolution_strategy", "last_write_wins"},
                                            {"winner", "local"}});
        for (auto& one : Base::apply(peer, incoming, now)) lost.push_back(std::move(one));
        return lost;
    }

private:
    bool is_keeping_ = false;
};

/// Entries of conflicts have further members, and say in words of their own who won.
template <class Base>
struct own_words : Base {
    using Base::Base;

protected:
    json::object push_answer(std::string const& sync_id, json::array conflicts) override {
        for (auto& one : conflicts) {
            auto& o = one.as_object();
            o["winner"] = o.at("winner") == json::value("local") ? "held copy" : "pushed copy";
            o["seen_at"] = "now";
        }
        return Base::push_answer(sync_id, std::move(conflicts));
    }
};

// ---- merging ------------------------------------------------------------------------------------------------

/// Of equal writes of a conversation the one of the lesser digest wins, redacted or not; of equal instants the least spelling is emitted.
template <class Base>
struct other_ties : Base {
    using Base::Base;

protected:
    bool write_outranks(scalar_write const& a, conversation const& held) override {
        scalar_write const& b = held.winner;
        if (a.version != b.version || a.modified != b.modified) return Base::write_outranks(a, held);
        return a.digest < b.digest;
    }
    bool join_modified(conversation& into, conversation const& from) override {
        if (!into.modified_text.empty() && (from.modified < into.modified || (from.modified == into.modified && from.modified_text >= into.modified_text))) return false;
        into.modified = from.modified;
        into.modified_text = from.modified_text;
        return true;
    }
};

/// Surfaces come backwards, and those of messages that are gone with them.
template <class Base>
struct few_surfaces : Base {
    using Base::Base;

protected:
    json::array emit_surfaces(conversation const& c) override {
        auto const due = surfaces_due(c);
        return json::array(due.rbegin(), due.rend());
    }
    tenant digested(tenant const& all, peer_record const& to) override {
        tenant out = Base::digested(all, to);
        for (auto& [id, c] : out) c.surfaces = surfaces_due(c);
        return out;
    }

private:
    static std::set<std::string> surfaces_due(conversation const& c) {
        auto out = c.listed;
        for (auto const& [id, m] : c.messages)
            if (!m.deleted) out.emplace(json::view(m.received.at("surface").as_string()));
        return out;
    }
};

/// A tombstone that comes with a content is taken, and served without.
template <class Base>
struct tombstones_emptied : Base {
    using Base::Base;

protected:
    result<message> decode_message(json::fields const& f, instant now) override {
        auto const* deleted = f.find("deleted");
        if (!deleted || *deleted != json::value(true)) return Base::decode_message(f, now);
        BSP_TRY(std::string const content, this->text_of(f, "content"));
        BSP_CHECK(this->check_content(content));
        json::object emptied = f.get();
        emptied["content"] = "";
        BSP_TRY(message const m, Base::decode_message(json::fields{emptied}, now));
        return this->make_message(f.get(), m.id, m.version, m.written, true, m.redacted);
    }
    json::object emit_message(message const& m) override {
        json::object out = Base::emit_message(m);
        if (m.deleted) out["content"] = "";
        return out;
    }
};

// ---- reading and listing ------------------------------------------------------------------------------------

/// What is read has tombstones.
template <class Base>
struct tombstones_shown : Base {
    using Base::Base;

protected:
    json::array emit_messages(conversation const& c, bool) override { return Base::emit_messages(c, true); }
};

/// What is deleted is gone: 410.
template <class Base>
struct deleted_410 : Base {
    using Base::Base;

protected:
    result<http_response> absent_conversation(principal const& who, std::string const& id) override {
        return this->tenant_of(who.user_id).contains(id) ? result<http_response>{problem_of(410, "deleted")} : Base::absent_conversation(who, id);
    }
};

/// A deleted conversation is read and listed as one that is deleted.
template <class Base>
struct deleted_shown : Base {
    using Base::Base;

protected:
    result<http_response> read_conversation(call const& c, std::string const& segment) override {
        is_reading_ = true;
        auto out = Base::read_conversation(c, segment);
        is_reading_ = false;
        return out;
    }
    result<http_response> absent_conversation(principal const& who, std::string const& id) override {
        tenant const& all = this->tenant_of(who.user_id);
        auto const held = all.find(id);
        if (!is_reading_ || held == all.end()) return Base::absent_conversation(who, id);
        json::object out = this->emit_scalars(id, held->second);
        out["surfaces"] = json::array{};
        out["messages"] = json::array{};
        return this->json_answer(200, this->outgoing(std::move(out), who.peer, Base::outlet::read));
    }
    bool is_listed(conversation const&) override { return true; }
    json::object list_entry(std::string const& id, conversation const& c) override {
        json::object out = Base::list_entry(id, c);
        if (c.winner.deleted) out["message_count"] = 0, out["surfaces"] = json::array{};
        return out;
    }

private:
    bool is_reading_ = false;
};

/// Losing messages are not kept.
template <class Base>
struct no_losers : Base {
    using Base::Base;

protected:
    void keep_losers(conversation&, conversation const&, instant) override {}
    json::object outgoing(json::object entry, peer_record const* to, typename Base::outlet by) override {
        if (by == Base::outlet::read) entry.erase("conflicts");
        return Base::outgoing(std::move(entry), to, by);
    }
};

/// The list has the latest change first, and no counts.
template <class Base>
struct list_latest_first : Base {
    using Base::Base;

protected:
    result<http_response> list_conversations(call const& c) override {
        BSP_TRY(principal const who, this->authenticate(c, user_may | peer_may));
        BSP_TRY(std::size_t const limit, this->limit_of(c));
        BSP_TRY(auto const cursor, this->cursor_of(c, "list"));
        std::vector<std::pair<std::pair<instant, std::string>, conversation const*>> all;
        for (auto const& [id, conversation] : this->tenant_of(who.user_id))
            if (this->is_listed(conversation)) all.push_back({{conversation.committed, id}, &conversation});
        std::sort(all.begin(), all.end(), [](auto const& a, auto const& b) { return a.first > b.first; });
        if (cursor) {
            std::pair<instant, std::string> const last{{cursor->at("a").as_int64(), static_cast<std::uint32_t>(cursor->at("an").as_int64())}, std::string{json::view(cursor->at("id").as_string())}};
            std::erase_if(all, [&](auto const& one) { return one.first >= last; });
        }
        std::size_t const given = std::min(std::max<std::size_t>(this->page_size(limit), 1), all.size());
        json::array entries;
        for (std::size_t i = 0; i < given; ++i) {
            json::object entry = this->outgoing(this->list_entry(all[i].first.second, *all[i].second), who.peer, Base::outlet::read);
            entry.erase("message_count");
            entries.push_back(std::move(entry));
        }
        json::object out{{"conversations", std::move(entries)}, {"has_more", given < all.size()}};
        if (given < all.size()) {
            auto const& [at, id] = all[given - 1].first;
            out["cursor"] = this->make_cursor({{"f", "list"}, {"a", at.seconds}, {"an", at.nanoseconds}, {"id", id}});
        }
        return this->json_answer(200, out);
    }
};

// ---- writing ------------------------------------------------------------------------------------------------

/// A repeated write is answered with 201, and every write with `Location`.
template <class Base>
struct writes_201 : Base {
    using Base::Base;

protected:
    result<http_response> write_message(call const& c, std::string const& segment) override {
        auto out = Base::write_message(c, segment);
        if (!out) return out;
        out->status = 201;
        out->headers.set("Location", "/somewhere/else");
        return out;
    }
};

/// A write that says what only the server may say is refused.
template <class Base>
struct strict_writes : Base {
    using Base::Base;

protected:
    result<> check_write_depth(json::object const& body) override {
        for (auto const* name : {"version", "source_backend", "deleted", "redacted"})
            if (body.contains(name)) return error{fail(errc::invalid_body, std::string{"/"} + name + " must be absent")};
        return Base::check_write_depth(body);
    }
};

/// It takes writes of any depth, and of any numbers that its canonical form has.
template <class Base>
struct deep_writes : Base {
    using Base::Base;

protected:
    result<> check_write_depth(json::object const&) override { return ok(); }
};

/// What is written here has a label that is not the backend's id; an edit keeps the label of what it edits.
template <class Base>
struct other_labels : Base {
    using Base::Base;

protected:
    std::int64_t next_version(conversation const& c, std::string const& message_id) override {
        auto const held = c.messages.find(message_id);
        label_ = held == c.messages.end() ? "this server" : std::string{json::view(held->second.received.at("source_backend").as_string())};
        return Base::next_version(c, message_id);
    }
    json::object message_to_write(json::object const& body, std::int64_t version) override {
        json::object out = Base::message_to_write(body, version);
        out["source_backend"] = label_;
        return out;
    }
    json::object scalars_to_write(std::string const& id, conversation const& held, json::object const& body) override {
        json::object out = Base::scalars_to_write(id, held, body);
        if (held.is_new()) out["source_backend"] = "this server";
        return out;
    }

private:
    std::string label_;
};

/// What comes back from deletion begins anew, without the members that the tombstone had.
template <class Base>
struct begins_anew : Base {
    using Base::Base;

protected:
    json::object scalars_to_write(std::string const& id, conversation const& held, json::object const& body) override {
        return Base::scalars_to_write(id, held.winner.deleted ? conversation{} : held, body);
    }
};

/// Ids are of 128 characters.
template <class Base>
struct long_ids : Base {
    using Base::Base;

protected:
    std::string new_message_id(conversation const& c) override {
        std::string id = "~urn:uuid@" + Base::new_message_id(c) + "._-";
        id.resize(128, 'Z');
        return id;
    }
};

/// A conversation is as old as its latest message says; timestamps of messages may be of the past.
template <class Base>
struct dated_by_messages : Base {
    using Base::Base;

protected:
    instant modified_by_write(conversation const* held, std::optional<message> const& m, instant now) override {
        instant const said = m ? m->written : now;
        return held && said < held->modified ? held->modified : said;
    }
};

/// An edit of the greatest version outranks nothing unless it must.
template <class Base>
struct plain_times : Base {
    using Base::Base;

protected:
    instant time_over(message const&, std::int64_t, instant now) override { return now; }
};

/// Whoever writes the same words again repeats a message, whatever role or surface they give.
template <class Base>
struct words_only : Base {
    using Base::Base;

protected:
    bool repeats(message const& m, json::object const& body) override {
        auto const* content = body.if_contains("content");
        return !m.deleted && content && *content == m.received.at("content");
    }
};

// ---- deleting -----------------------------------------------------------------------------------------------

/// What is deleted already, or is not there, is told to be deleted.
template <class Base>
struct deletes_anything : Base {
    using Base::Base;

protected:
    result<http_response> delete_conversation(call const& c, std::string const& segment) override { return forgiven(Base::delete_conversation(c, segment)); }
    result<http_response> delete_message(call const& c, std::string const& segment, std::string const& message_segment) override { return forgiven(Base::delete_message(c, segment, message_segment)); }

private:
    static result<http_response> forgiven(result<http_response> r) {
        if (!r && r.error().code == errc::not_found) return http_response{204, {}, ""};
        return r;
    }
};

/// With a conversation its messages are deleted.
template <class Base>
struct deletes_messages : Base {
    using Base::Base;

protected:
    result<> commit_locally(tenant& all, std::string const& id, json::object scalars, std::int64_t version, std::optional<message> m, instant now) override {
        bool const is_deletion = scalars.contains("deleted");
        BSP_CHECK(Base::commit_locally(all, id, std::move(scalars), version, std::move(m), now));
        if (!is_deletion) return ok();
        for (auto& [name, held] : all.at(id).messages) {
            if (held.deleted) continue;
            instant const written = held.version == version ? std::max(now, held.written + std::chrono::nanoseconds{1}) : now;
            BSP_TRY(message tombstone, this->make_message(this->tombstone_of(held, version, written), name, version, written, true, false));
            held = std::move(tombstone);
        }
        all.at(id).losers.clear();
        return ok();
    }
};

/// The tombstone of a conversation keeps all its members.
template <class Base>
struct rich_tombstones : Base {
    using Base::Base;

protected:
    json::object tombstone_of(std::string const& id, conversation const& held) override {
        json::object out = held.winner.received;
        out["conversation_id"] = id;
        out["deleted"] = true;
        out.erase("redacted");
        return out;
    }
    json::object tombstone_of(message const& held, std::int64_t version, instant written) override { return Base::tombstone_of(held, version, written); }
};

/// The tombstone of a message keeps its time, unless that would not outrank it, and is kept for good.
template <class Base>
struct tombstones_of_old : Base {
    using Base::Base;

protected:
    using Base::tombstone_of;
    json::object tombstone_of(message const& held, std::int64_t version, instant written) override {
        json::object out = Base::tombstone_of(held, version, written);
        if (held.version < version) out["timestamp"] = held.received.at("timestamp");
        return out;
    }
    result<message> make_message(json::object received, std::string id, std::int64_t version, instant written, bool deleted, bool redacted) override {
        if (deleted) {
            BSP_TRY(written, this->timestamp(json::view(received.at("timestamp").as_string())));
        }
        return Base::make_message(std::move(received), std::move(id), version, written, deleted, redacted);
    }
    using Base::has_expired;
    bool has_expired(message const& m, instant cutoff, instant now) override { return !m.deleted && Base::has_expired(m, cutoff, now); }
};

/// The answer to a deletion has the tombstone with it.
template <class Base>
struct telling_deletions : Base {
    using Base::Base;

protected:
    http_response json_answer(int status, json::value const& body) override {
        auto const* said = body.is_object() ? body.get_object().if_contains("status") : nullptr;
        if (!said || *said != json::value("deleted")) return Base::json_answer(status, body);
        json::object more = body.get_object();
        more["deleted_at"] = "today";
        more["restorable"] = false;
        return Base::json_answer(status, more);
    }
};

}  // namespace

std::vector<liberty> conversation_liberties() {
    return {
        takes<many_conflicts>("L-MRG-01", "every difference is listed as a conflict, and conversations that lost", {"BSP-MRG-061", "BSP-MRG-063", "BSP-MRG-068"}),
        takes<own_words>("L-MRG-02", "conflicts say in other words who won, and more", {"BSP-MRG-065", "BSP-MRG-078"}, setting::plain, {"mrg/conflict-winner-words"}),
        takes<other_ties>("L-MRG-03", "ties of conversations are decided by another rule that knows no order", {"BSP-MRG-031", "BSP-MRG-033", "BSP-MRG-076", "BSP-MRG-077"}, setting::plain, {"mrg/scalar-digest", "mrg/scalar-redacted", "mrg/last-modified-spelling"}),
        takes<few_surfaces>("L-MRG-04", "surfaces come backwards, those of messages that are gone not at all", {"BSP-MRG-040", "BSP-MRG-041"}),
        takes<tombstones_emptied>("L-MRG-05", "tombstones with a content are taken, and served without", {"BSP-MRG-057", "BSP-MRG-058"}),
        takes<tombstones_shown>("L-CNV-01", "conversations are read with their tombstones", {"BSP-CNV-014"}),
        takes<deleted_410>("L-CNV-02", "a deleted conversation is answered with 410", {"BSP-CNV-015", "BSP-CNV-016"}, setting::plain, {"cnv/deleted-is-404", "cnv/delete-again-told"}),
        takes<deleted_shown>("L-CNV-03", "a deleted conversation is read and listed as deleted", {"BSP-CNV-016", "BSP-CNV-034"}, setting::plain, {"cnv/deleted-is-404"}),
        takes<no_losers>("L-CNV-04", "losing messages are not kept", {"BSP-CNV-020", "BSP-CNV-024"}),
        takes<list_latest_first>("L-CNV-05", "the list has the latest change first, and no counts", {"BSP-CNV-031", "BSP-CNV-033"}, setting::plain, {"cnv/list-while-writing"}),
        takes<writes_201>("L-CNV-06", "a repeated write is answered with 201 and Location", {"BSP-CNV-050"}),
        takes<strict_writes>("L-CNV-07", "a write that gives version, source_backend, deleted or redacted is refused", {"BSP-CNV-049"}),
        takes<deep_writes>("L-CNV-08", "writes may be of any depth", {"BSP-CNV-071"}, setting::plain, {"cnv/write-depth"}),
        takes<other_labels>("L-CNV-09", "source_backend is not the backend's id; an edit keeps it", {"BSP-CNV-047", "BSP-CNV-048"}, setting::plain, {"cnv/source-label", "cnv/label-of-writes"}),
        takes<begins_anew>("L-CNV-10", "what comes back from deletion has no members of before", {"BSP-CNV-057"}),
        takes<long_ids>("L-CNV-11", "new messages have ids of 128 characters", {"BSP-CNV-043"}),
        takes<dated_by_messages>("L-CNV-13", "last_modified is the time of the latest message", {"BSP-MRG-075"}),
        takes<plain_times>("L-CNV-14", "an edit of the greatest version has the time of now", {"BSP-MRG-079"}, setting::plain, {"cnv/saturation-ahead"}),
        takes<words_only>("L-CNV-20", "the same words repeat a message, whatever else is given", {"BSP-CNV-050", "BSP-CNV-073"}, setting::plain, {"cnv/edit-role-and-surface"}),
        takes<deletes_anything>("L-CNV-15", "deleting what is not there is answered with 204", {"BSP-CNV-063", "BSP-CNV-067"}, setting::plain, {"cnv/delete-again-told"}),
        takes<deletes_messages>("L-CNV-16", "with a conversation its messages are deleted", {"BSP-MRG-059"}),
        takes<rich_tombstones>("L-CNV-17", "the tombstone of a conversation keeps its members", {"BSP-CNV-066"}, setting::plain, {"cnv/tombstone-is-lean"}),
        takes<tombstones_of_old>("L-CNV-18", "the tombstone of a message keeps its time", {"BSP-CNV-064", "BSP-CNV-065"}),
        takes<telling_deletions>("L-CNV-19", "the answer to a deletion has further members", {"BSP-CNV-062", "BSP-GEN-067"}),
        takes_all<many_conflicts, own_words, few_surfaces, tombstones_emptied, tombstones_shown, deleted_shown, no_losers, list_latest_first, writes_201, strict_writes, other_labels, begins_anew, long_ids, deletes_messages,
                  tombstones_of_old, telling_deletions>("L-CNV-98", "liberties of conversations, all at once", setting::plain, {"cnv/saturation-ahead", "mrg/conflict-winner-words", "cnv/deleted-is-404", "cnv/list-while-writing", "cnv/source-label", "cnv/label-of-writes"}),
        takes_all<other_ties, words_only, deleted_410, deep_writes, dated_by_messages, plain_times, deletes_anything, rich_tombstones>("L-CNV-99", "liberties of conversations that take no advice, all at once", setting::plain, {"mrg/scalar-digest", "mrg/scalar-redacted", "mrg/last-modified-spelling", "cnv/deleted-is-404", "cnv/delete-again-told", "cnv/write-depth", "cnv/saturation-ahead", "cnv/tombstone-is-lean", "cnv/edit-role-and-surface"}),
    };
}

}  // namespace bsp::faulty
