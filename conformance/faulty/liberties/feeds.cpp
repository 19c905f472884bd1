#include "../liberties.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/json/parse.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

/// Liberties of pushes, pulls, cursors, digests and held pulls (chapter 6).
namespace bsp::faulty {

namespace {

constexpr instant beginning{-1'000'000'000'000, 0};

// ---- pushes -------------------------------------------------------------------------------------------------

/// The answer to a push says more than it must.
template <class Base>
struct telling_pushes : Base {
    using Base::Base;

protected:
    json::object push_answer(std::string const& sync_id, json::array conflicts) override {
        json::object out = Base::push_answer(sync_id, std::move(conflicts));
        out["server_time"] = "later";
        out["applied"] = json::object{{"messages", 0}, {"errors", json::array{}}};
        return out;
    }
};

/// It asks for another pace.
template <class Base>
struct own_pace : Base {
    using Base::Base;

protected:
    json::object push_answer(std::string const& sync_id, json::array conflicts) override {
        json::object out = Base::push_answer(sync_id, std::move(conflicts));
        out["next_sync_in_ms"] = 86'400'000;
        return out;
    }
};

/// A repetition is told no conflicts.
template <class Base>
struct repetitions_without_conflicts : Base {
    using Base::Base;

protected:
    void remember(std::pair<std::string, std::string> const& key, receipt r) override {
        r.answer["conflicts"] = json::array{};
        Base::remember(key, std::move(r));
    }
};

/// It forgets accepted pushes after a day and an hour.
template <class Base>
struct short_memory : Base {
    using Base::Base;

protected:
    http_response serve(http_request const& request, instant now) override {
        std::erase_if(since_, [&](auto const& r) { return r.second + std::chrono::hours{25} < now && this->held().receipts.erase(r.first) + 1 > 0; });
        now_ = now;
        return Base::serve(request, now);
    }
    void remember(std::pair<std::string, std::string> const& key, receipt r) override {
        since_[key] = now_;
        Base::remember(key, std::move(r));
    }

private:
    std::map<std::pair<std::string, std::string>, instant> since_;
    instant now_;
};

/// Whatever is wrong with a body is told with 400.
template <class Base>
struct bodies_400 : Base {
    using Base::Base;

protected:
    result<tenant> decode_conversations(json::fields const& body, peer_record const& peer, instant now) override {
        auto out = Base::decode_conversations(body, peer, now);
        if (!out && out.error().code == errc::invalid_body && !is_time_) return error{fail(errc::bad_request, out.error().detail)};
        return out;
    }
    result<> check_ahead(instant t, instant now) override {
        auto const r = Base::check_ahead(t, now);
        is_time_ = !r;
        return r;
    }

private:
    bool is_time_ = false;  ///< BSP-SYN-012 leaves no choice
};

/// What is too long for a message is too large.
template <class Base>
struct contents_413 : Base {
    using Base::Base;

protected:
    result<> check_content(std::string_view content) override { return Base::check_content(content) ? ok() : result<>{fail(errc::payload_too_large, "a message is too long")}; }
};

/// It takes no more in one push than it must.
template <class Base>
struct floors_of_pushes : Base {
    using Base::Base;

protected:
    result<> check_counts(json::array const& conversations) override { return conversations.size() > 500 ? result<>{fail(errc::payload_too_large, "too many conversations")} : ok(); }
    result<> check_message_count(json::fields const& f) override {
        BSP_CHECK(Base::check_message_count(f));
        return f.required_array("messages")->size() > 1'000 ? result<>{fail(errc::payload_too_large, "too many messages")} : ok();
    }
};

/// It does not look at how far ahead a conversation is dated.
template <class Base>
struct any_last_modified : Base {
    using Base::Base;

protected:
    result<std::pair<std::string, conversation>> decode_conversation(json::fields const& f, instant now) override {
        now_ = now;
        auto out = Base::decode_conversation(f, now);
        now_.reset();
        return out;
    }
    result<message> decode_message(json::fields const& f, instant now) override {
        auto const held = std::exchange(now_, std::nullopt);
        auto out = Base::decode_message(f, now);
        now_ = held;
        return out;
    }
    result<> check_ahead(instant t, instant now) override { return now_ ? ok() : Base::check_ahead(t, now); }

private:
    std::optional<instant> now_;  ///< while the members of a conversation are read
};

/// The old door `POST /sync`.
template <class Base>
struct old_door : Base {
    using Base::Base;

protected:
    result<http_response> push_alias(call const& c) override {
        if (c.request.method != "POST") {
            call other = c;
            other.allow = "POST";
            return this->method_not_allowed(other);
        }
        BSP_CHECK(this->check_coding(c));
        BSP_CHECK(this->check_media_type(c));
        BSP_TRY(json::object const body, this->parse_object(c));
        auto const* named = json::find_string(body, "peer_id");
        auto const* source = json::find_string(body, "source_backend_id");
        std::set<std::string> known, fitting, users;
        for (auto const& [id, peer] : this->held().peers) {
            if ((named && json::view(*named) != id) || (source && json::view(*source) != peer.backend_id)) continue;
            known.insert(id);
            if (!this->verify_payload(c, body, peer)) continue;
            fitting.insert(id);
            users.insert(peer.user_id);
        }
        if (known.empty()) return error{fail(errc::forbidden, "nobody of that name is registered")};
        if (fitting.empty()) return error{fail(errc::invalid_signature, "the signature does not verify")};
        if (users.size() > 1) return error{fail(errc::forbidden, "whose data is meant?")};
        return this->push(c, *fitting.begin());
    }
};

// ---- pages --------------------------------------------------------------------------------------------------

/// Pages have a third of what was asked for, and 40 entries at most.
template <class Base>
struct small_pages : Base {
    using Base::Base;

protected:
    std::size_t page_size(std::size_t limit) override { return std::min<std::size_t>((limit + 2) / 3, 40); }
};

/// A pull that has something to tell begins with an empty page.
template <class Base>
struct empty_first_page : Base {
    using Base::Base;

protected:
    json::object feed_page(call const& c, feed_query const& asked) override {
        is_first_ = !asked.cursor;
        json::object out = Base::feed_page(c, asked);
        is_first_ = false;
        return out;
    }
    std::size_t page_size(std::size_t limit) override { return is_first_ ? 0 : Base::page_size(limit); }

private:
    bool is_first_ = false;
};

/// After the last entry comes an empty page.
template <class Base>
struct empty_last_page : Base {
    using Base::Base;

protected:
    bool more_follow(std::size_t given, std::size_t limit, std::size_t left) override { return given > 0 || Base::more_follow(given, limit, left); }
};

/// Within a pull the order is that of ids; what changes meanwhile may wait for the next pull.
template <class Base>
struct pages_by_id : Base {
    using Base::Base;

protected:
    instant place_in_feed(conversation const&) override { return {0, 0}; }
};

/// Within a pull the latest change comes first.
template <class Base>
struct latest_first : Base {
    using Base::Base;

protected:
    instant place_in_feed(conversation const& c) override { return {-c.committed.seconds, 999'999'999 - c.committed.nanoseconds}; }
};

/// An entry has two messages at most: long conversations are spread over entries and pages.
template <class Base>
struct spread_conversations : Base {
    using Base::Base;

protected:
    json::object feed_page(call const& c, feed_query const& asked) override {
        json::object out = Base::feed_page(c, asked);  // for what it is about, and the form
        std::string const feed = "pull " + asked.peer_id;
        instant since = asked.since, mark = this->watermark(c);
        position after{beginning, "", 0};
        if (asked.cursor) {
            since = instant_at(*asked.cursor, "s");
            mark = instant_at(*asked.cursor, "w");
            after = {instant_at(*asked.cursor, "a"), std::string{json::view(asked.cursor->at("id").as_string())}, asked.cursor->at("k").as_int64()};
        }
        std::vector<std::pair<position, conversation const*>> due;
        for (auto const& [id, conversation] : this->tenant_of(asked.user_id)) {
            position const at{this->place_in_feed(conversation), id, 0};
            bool const is_begun = std::get<0>(at) == std::get<0>(after) && id == std::get<1>(after);
            if (this->belongs_in_pull(conversation, since) && (at > after || is_begun)) due.push_back({at, &conversation});
        }
        std::sort(due.begin(), due.end(), [](auto const& a, auto const& b) { return a.first < b.first; });

        json::array entries;
        position last = after;
        bool more = false;
        for (auto const& [at, conversation] : due) {
            json::object const whole = this->outgoing(this->pull_entry(std::get<1>(at), *conversation), &this->held().peers.at(asked.peer_id), Base::outlet::pull);
            json::array const& messages = whole.at("messages").as_array();
            bool const is_begun = std::get<0>(at) == std::get<0>(after) && std::get<1>(at) == std::get<1>(after);
            auto const pieces = std::max<std::size_t>((messages.size() + 1) / 2, 1);
            for (std::size_t i = is_begun ? static_cast<std::size_t>(std::get<2>(after)) : 0; i < pieces; ++i) {
                if ((more = entries.size() == this->page_size(asked.limit))) break;
                json::object piece = whole;
                piece["messages"] = json::array(messages.begin() + static_cast<std::ptrdiff_t>(2 * i), messages.begin() + static_cast<std::ptrdiff_t>(std::min(2 * i + 2, messages.size())));
                entries.push_back(std::move(piece));
                last = {std::get<0>(at), std::get<1>(at), static_cast<std::int64_t>(i + 1)};
            }
            if (more) break;
        }
        out["conversations"] = std::move(entries);
        out["last_sync"] = format_timestamp(mark);
        out["has_more"] = more;
        out.erase("cursor");
        if (more)
            out["cursor"] = this->make_cursor({{"f", feed},
                                               {"s", since.seconds}, {"sn", since.nanoseconds},
                                               {"w", mark.seconds}, {"wn", mark.nanoseconds},
                                               {"a", std::get<0>(last).seconds}, {"an", std::get<0>(last).nanoseconds}, {"id", std::get<1>(last)}, {"k", std::get<2>(last)}});
        return out;
    }

private:
    using position = std::tuple<instant, std::string, std::int64_t>;  ///< in the feed, and how many pieces were given

    static instant instant_at(json::object const& o, std::string const& name) { return {o.at(name).as_int64(), static_cast<std::uint32_t>(o.at(name + "n").as_int64())}; }
};

/// A pull has of a conversation only the messages that were committed since, or all when it came back.
template <class Base>
struct changes_only : Base {
    using Base::Base;

protected:
    json::object feed_page(call const& c, feed_query const& asked) override {
        since_ = asked.cursor ? instant{asked.cursor->at("s").as_int64(), static_cast<std::uint32_t>(asked.cursor->at("sn").as_int64())} : asked.since;
        return Base::feed_page(c, asked);
    }
    json::object pull_entry(std::string const& id, conversation const& c) override {
        auto const back = came_back_.find(id);
        if (back != came_back_.end() && back->second >= since_) return Base::pull_entry(id, c);
        conversation shown = c;
        std::erase_if(shown.messages, [&](auto const& m) {
            auto const at = committed_.find({id, m.first, m.second.digest});
            return at != committed_.end() && at->second < since_;
        });
        return Base::pull_entry(id, shown);
    }
    json::array apply(peer_record const& peer, tenant const& incoming, instant now) override {
        tenant const& all = this->tenant_of(peer.user_id);
        tenant before;
        for (auto const& [id, c] : incoming)
            if (auto const held = all.find(id); held != all.end()) before.emplace(id, held->second);
        auto out = Base::apply(peer, incoming, now);
        for (auto const& [id, c] : incoming)
            if (auto const held = all.find(id); held != all.end()) note(id, before[id], held->second);
        return out;
    }
    result<> commit_locally(tenant& all, std::string const& id, json::object scalars, std::int64_t version, std::optional<message> m, instant now) override {
        conversation const before = all.contains(id) ? all.at(id) : conversation{};
        BSP_CHECK(Base::commit_locally(all, id, std::move(scalars), version, std::move(m), now));
        note(id, before, all.at(id));
        return ok();
    }

private:
    void note(std::string const& id, conversation const& before, conversation const& now) {
        if (before.winner.deleted && !now.winner.deleted) came_back_[id] = now.committed;
        for (auto const& [name, m] : now.messages) {
            auto const held = before.messages.find(name);
            if (held == before.messages.end() || held->second.digest != m.digest) committed_[{id, name, m.digest}] = now.committed;
        }
    }

    instant since_;
    std::map<std::tuple<std::string, std::string, sha256_digest>, instant> committed_;
    std::map<std::string, instant> came_back_;
};

/// Entries of deleted conversations have no messages, not even tombstones.
template <class Base>
struct bare_deletions : Base {
    using Base::Base;

protected:
    json::array emit_messages(conversation const& c, bool tombstones) override { return c.winner.deleted ? json::array{} : Base::emit_messages(c, tombstones); }
};

// ---- watermarks and cursors ---------------------------------------------------------------------------------

/// A pull reaches back 2 s before `since`, and `last_sync` is 2 s before the last commit.
template <class Base>
struct reaching_back : Base {
    using Base::Base;

protected:
    bool belongs_in_pull(conversation const& c, instant since) override { return Base::belongs_in_pull(c, since + -std::chrono::seconds{2}); }
    instant watermark(call const& c) override { return Base::watermark(c) + -std::chrono::seconds{2}; }
};

/// `last_sync` is in whole seconds.
template <class Base>
struct whole_seconds : Base {
    using Base::Base;

protected:
    instant watermark(call const& c) override { return {Base::watermark(c).seconds, 0}; }
};

/// `last_sync` means nothing on a page that is not the last, and has nine digits on the others; the last page has a cursor, too.
template <class Base>
struct odd_pages : Base {
    using Base::Base;

protected:
    json::object feed_page(call const& c, feed_query const& asked) override {
        json::object out = Base::feed_page(c, asked);
        if (out.at("has_more") == json::value(true)) {
            out["last_sync"] = "1970-01-01T00:00:00Z";
            return out;
        }
        std::string text{json::view(out.at("last_sync").as_string())};
        text.pop_back();
        std::size_t const dot = text.find('.');
        if (dot == std::string::npos) text += '.';
        text.resize(dot == std::string::npos ? text.size() + 9 : dot + 10, '0');
        out["last_sync"] = text + 'Z';
        out["cursor"] = "end";
        return out;
    }
};

/// It names no epoch.
template <class Base>
struct no_epoch : Base {
    using Base::Base;

protected:
    json::object feed_page(call const& c, feed_query const& asked) override {
        json::object out = Base::feed_page(c, asked);
        out.erase("epoch");
        return out;
    }
    json::object identity(call const& c) override {
        json::object out = Base::identity(c);
        out.erase("epoch");
        return out;
    }
};

/// Its epoch is a long text of odd characters.
template <class Base>
struct odd_epoch : Base {
    explicit odd_epoch(settings s) : Base{std::move(s)} { this->epoch_ += "/+ &=#%?\xC3\xA9\"" + std::string(300, 'e'); }
};

/// Cursors are numbers.
template <class Base>
struct numbers_for_cursors : Base {
    using Base::Base;

protected:
    std::string make_cursor(json::object content) override {
        given_.push_back(json::parse(json::serialize(this->cursor_content(std::move(content))))->get_object());
        return std::to_string(given_.size());
    }
    result<std::optional<json::object>> cursor_of(call const& c, std::string_view feed) override {
        std::string const* text = c.parameter("cursor");
        if (!text) return std::optional<json::object>{};
        bool const is_number = !text->empty() && text->size() < 10 && text->find_first_not_of("0123456789") == std::string::npos;
        std::size_t const number = is_number ? static_cast<std::size_t>(std::stol(*text)) : 0;
        if (number == 0 || number > given_.size() || given_[number - 1].at("f") != json::value(feed)) return error{fail(errc::invalid_query, "no such cursor")};
        return std::optional{given_[number - 1]};
    }

private:
    std::vector<json::object> given_;
};

/// Cursors are 3,000 characters long.
template <class Base>
struct long_cursors : Base {
    using Base::Base;

protected:
    json::object cursor_content(json::object content) override {
        content["pad"] = std::string(2'000, '.');
        return content;
    }
};

/// Cursors are of characters that a query has to escape.
template <class Base>
struct odd_cursors : Base {
    using Base::Base;

protected:
    std::string make_cursor(json::object content) override { return ends + Base::make_cursor(std::move(content)) + ends; }
    result<std::optional<json::object>> cursor_of(call const& c, std::string_view feed) override {
        call inner = c;
        for (auto& [name, value] : inner.query)
            if (name == "cursor") {
                if (!value.starts_with(ends) || !value.ends_with(ends) || value.size() < 2 * ends.size()) return error{fail(errc::invalid_query, "no such cursor")};
                value = value.substr(ends.size(), value.size() - 2 * ends.size());
            }
        return Base::cursor_of(inner, feed);
    }

private:
    inline static std::string const ends = "/+ &=#%?%2f\"\\\xC3\xA9\xE2\x82\xAC";
};

/// A cursor that it did not issue, a `limit` that is spelled oddly and a foreign epoch are taken for absent.
template <class Base>
struct lenient_queries : Base {
    using Base::Base;

protected:
    result<http_response> pull(call const& c, std::string const& peer_id) override {
        call inner = c;
        std::erase_if(inner.query, [](auto const& p) { return p.first == "epoch"; });
        return Base::pull(inner, peer_id);
    }
    result<std::optional<json::object>> cursor_of(call const& c, std::string_view feed) override {
        auto out = Base::cursor_of(c, feed);
        return out || !(feed == "list" || feed.starts_with("pull ")) ? out : std::optional<json::object>{};
    }
    result<std::size_t> limit_of(call const& c) override {
        call inner = c;
        for (auto& [name, value] : inner.query)
            if (name == "limit" && value.starts_with('+')) value.erase(0, 1);
        return Base::limit_of(inner);
    }
};

/// A `limit` of more than 500 is refused.
template <class Base>
struct strict_limits : Base {
    using Base::Base;

protected:
    result<std::size_t> limit_of(call const& c) override {
        std::string const* text = c.parameter("limit");
        if (text && text->find_first_not_of("0123456789") == std::string::npos && (text->size() > 3 || *text > "500") && !(text->size() < 3)) return error{fail(errc::invalid_query, "limit is greater than 500")};
        return Base::limit_of(c);
    }
};

/// A `limit` of more than 500 is taken for 500.
template <class Base>
struct clamped_limits : Base {
    using Base::Base;

protected:
    result<std::size_t> limit_of(call const& c) override {
        call inner = c;
        for (auto& [name, value] : inner.query)
            if (name == "limit" && !value.empty() && value.find_first_not_of("0123456789") == std::string::npos) {
                value.erase(0, std::min(value.find_first_not_of('0'), value.size() - 1));
                if (value.size() > 3 || (value.size() == 3 && value > "500")) value = "500";
            }
        return Base::limit_of(inner);
    }
};

// ---- digests ------------------------------------------------------------------------------------------------

/// There is no digest; 501 says so.
template <class Base>
struct no_digest : Base {
    using Base::Base;

protected:
    result<http_response> digest(call const&, std::string const&) override {
        return http_response{501, {{"Content-Type", "application/problem+json"}}, R"({"type":"about:blank","title":"Not Implemented","status":501,"detail":"no digest here","code":"not-found"})"};
    }
};

/// The digest is made in another way, and counts nothing.
template <class Base>
struct other_digest : Base {
    using Base::Base;

protected:
    json::object digest_answer(tenant const& all) override {
        json::object out = Base::digest_answer(all);
        std::string text{json::view(out.at("digest").as_string())};
        std::reverse(text.begin(), text.end());
        return {{"digest", text}};
    }
};

// ---- held pulls ---------------------------------------------------------------------------------------------

/// Pulls are not held.
template <class Base>
struct no_live_pull : Base {
    using Base::Base;

protected:
    json::object identity(call const& c) override {
        json::object out = Base::identity(c);
        json::array others;
        for (auto const& one : out.at("capabilities").as_array())
            if (one != json::value("live_pull")) others.push_back(one);
        out["capabilities"] = std::move(others);
        return out;
    }
    result<std::chrono::seconds> wait_of(call const&) override { return std::chrono::seconds{}; }
};

/// No pull is held longer than a second, whatever it asks for.
template <class Base>
struct short_holds : Base {
    using Base::Base;

protected:
    result<std::chrono::seconds> wait_of(call const& c) override {
        BSP_TRY(std::chrono::seconds const wait, Base::wait_of(c));
        return std::min(wait, std::chrono::seconds{1});
    }
};

/// It looks for news three times a second, and answers a little after `wait` is over.
template <class Base>
struct slow_looks : Base {
    using Base::Base;

protected:
    using clock = std::chrono::steady_clock;

    std::chrono::milliseconds look_period() override { return std::chrono::milliseconds{100}; }
    std::uint64_t news_of(feed_query const& asked) override {
        auto& known = known_[asked.user_id];
        if (clock::now() >= known.first + std::chrono::milliseconds{330}) known = {clock::now(), Base::news_of(asked)};
        return known.second;
    }
    result<http_response> at_the_end(json::object page) override {
        this->let_others_in();
        return Base::at_the_end(std::move(page));
    }

private:
    std::map<std::string, std::pair<clock::time_point, std::uint64_t>> known_;
};

/// A `wait` that is none is taken for absent, and a greater one for 30.
template <class Base>
struct lenient_wait : Base {
    using Base::Base;

protected:
    result<std::chrono::seconds> wait_of(call const& c) override {
        auto const wait = Base::wait_of(c);
        return wait ? *wait : std::chrono::seconds{};
    }
};

}  // namespace

std::vector<liberty> feed_liberties() {
    return {
        takes<telling_pushes>("L-SYN-01", "the answer to a push has further members", {"BSP-GEN-067"}),
        takes<own_pace>("L-SYN-02", "next_sync_in_ms is a day", {"BSP-SYN-063", "BSP-SYN-064"}, setting::plain, {"syn/pace"}),
        takes<repetitions_without_conflicts>("L-SYN-03", "a repetition is told no conflicts", {"BSP-SYN-076"}),
        takes<short_memory>("L-SYN-04", "accepted pushes are forgotten after 25 hours", {"BSP-SYN-075"}),
        takes<bodies_400>("L-SYN-05", "invalid conversations are refused with 400", {"BSP-SYN-001", "BSP-SYN-002", "BSP-SYN-003", "BSP-SYN-010"}),
        takes<contents_413>("L-SYN-06", "a content that is too long is refused with 413", {"BSP-SYN-006"}),
        takes<floors_of_pushes>("L-SYN-07", "a push has 500 conversations at most, of 1,000 messages at most", {"BSP-GEN-072", "BSP-GEN-073"}),
        takes<any_last_modified>("L-SYN-08", "a conversation may be dated however far ahead", {"BSP-SYN-013"}, setting::plain, {"syn/last-modified-far-ahead"}),
        takes<old_door>("L-SYN-09", "POST /sync is offered", {"BSP-SYN-080", "BSP-AUT-015", "BSP-AUT-016"}),
        takes<small_pages>("L-SYN-10", "pages have a third of what was asked for", {"BSP-SYN-113"}),
        takes<empty_first_page>("L-SYN-11", "a pull begins with an empty page", {"BSP-SYN-113"}),
        takes<empty_last_page>("L-SYN-12", "a pull ends with an empty page", {"BSP-SYN-113", "BSP-SYN-117"}),
        takes<pages_by_id>("L-SYN-13", "the entries of a pull are in the order of ids", {"BSP-SYN-104", "BSP-SYN-107"}),
        takes<latest_first>("L-SYN-14", "the entries of a pull come latest first", {"BSP-SYN-104", "BSP-SYN-107"}),
        takes<spread_conversations>("L-SYN-15", "an entry of a pull has two messages at most", {"BSP-SYN-104", "BSP-SYN-112"}),
        takes<changes_only>("L-SYN-16", "a pull has only the messages that changed", {"BSP-SYN-104", "BSP-SYN-111", "BSP-SYN-118"}),
        takes<bare_deletions>("L-SYN-17", "entries of deleted conversations have no messages, not even tombstones", {"BSP-SYN-104", "BSP-SYN-128"}),
        takes<reaching_back>("L-SYN-18", "pulls reach back before since, and last_sync before the last commit", {"BSP-SYN-109", "BSP-SYN-110", "BSP-SYN-136"}, setting::plain, {"syn/pull-unchanged-left-out", "syn/live-pull-once", "syn/refused-is-no-news"}),
        takes<whole_seconds>("L-SYN-19", "last_sync is in whole seconds", {"BSP-SYN-110", "BSP-SYN-120", "BSP-SYN-136"}, setting::plain, {"syn/pull-unchanged-left-out", "syn/live-pull-once", "syn/refused-is-no-news"}),
        takes<odd_pages>("L-SYN-20", "last_sync has nine digits, and means nothing before the last page, which has a cursor, too", {"BSP-SYN-119", "BSP-SYN-120", "BSP-SYN-136"}),
        takes<no_epoch>("L-SYN-21", "there is no epoch", {"BSP-SYN-132"}),
        takes<odd_epoch>("L-SYN-22", "the epoch is long and of odd characters", {"BSP-SYN-132"}),
        takes<numbers_for_cursors>("L-SYN-23", "cursors are numbers", {"BSP-SYN-115"}),
        takes<long_cursors>("L-SYN-24", "cursors are 3,000 characters long", {"BSP-SYN-115"}),
        takes<odd_cursors>("L-SYN-25", "cursors are of characters that a query has to escape", {"BSP-SYN-115"}),
        takes<lenient_queries>("L-SYN-26", "foreign cursors and epochs, and a limit with a sign, are let pass", {"BSP-SYN-131", "BSP-SYN-145", "BSP-SYN-146", "BSP-CNV-072"}, setting::plain, {"syn/pull-epoch", "syn/limit-digits", "syn/foreign-cursor-told"}),
        takes<strict_limits>("L-SYN-27", "a limit of more than 500 is refused", {"BSP-SYN-137"}),
        takes<clamped_limits>("L-SYN-28", "a limit of more than 500 is taken for 500", {"BSP-SYN-137"}),
        takes<no_digest>("L-SYN-29", "the digest is answered with 501", {"BSP-SYN-140", "BSP-SYN-144"}),
        takes<other_digest>("L-SYN-30", "the digest is made in another way", {"BSP-SYN-142", "BSP-SYN-143"}, setting::plain, {"syn/digest", "syn/history-digest", "syn/digest-follows", "prv/erase-digest", "red/digest"}),
        takes<no_live_pull>("L-SYN-31", "pulls are not held", {"BSP-SYN-147"}),
        takes<short_holds>("L-SYN-32", "pulls are held for a second at most", {"BSP-SYN-151"}, setting::plain, {"syn/live-pull-held", "syn/live-pull-undisturbed", "prv/settings-held-pull"}),
        takes<slow_looks>("L-SYN-33", "held pulls look for news three times a second", {"BSP-SYN-149", "BSP-SYN-150"}),
        takes<lenient_wait>("L-SYN-34", "a wait that is none is taken for absent", {"BSP-SYN-154"}, setting::plain, {"syn/live-pull-wait-form"}),
        takes_all<telling_pushes, repetitions_without_conflicts, short_memory, bodies_400, old_door, small_pages, empty_first_page, empty_last_page, pages_by_id, changes_only, spread_conversations, odd_pages, odd_epoch,
                  numbers_for_cursors, odd_cursors, clamped_limits, slow_looks>("L-SYN-98", "liberties of feeds, all at once"),
        takes_all<own_pace, contents_413, floors_of_pushes, any_last_modified, latest_first, bare_deletions, whole_seconds, reaching_back, no_epoch, long_cursors, lenient_queries, strict_limits, other_digest, short_holds, lenient_wait>(
            "L-SYN-99", "liberties of feeds that take no advice, all at once", setting::plain, {"syn/pace", "syn/last-modified-far-ahead", "syn/pull-unchanged-left-out", "syn/live-pull-once", "syn/refused-is-no-news", "syn/pull-epoch", "syn/limit-digits", "syn/foreign-cursor-told", "syn/digest", "syn/history-digest", "syn/digest-follows", "prv/erase-digest", "red/digest", "syn/live-pull-held", "syn/live-pull-undisturbed", "prv/settings-held-pull", "syn/live-pull-wait-form"}),
    };
}

}  // namespace bsp::faulty
