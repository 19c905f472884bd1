#include "moments.hpp"
#include "states.hpp"

#include <algorithm>
#include <map>

/// A fourth series of faults thought up from the specification alone: what shows only in a certain history or when two features meet.
/// Here pages and held pulls; pushes are in `states_pushes.cpp`, local writes and registrations in `states_writes.cpp`, consent,
/// redaction and erasure in `states_privacy.cpp`.
namespace bsp::faulty {

namespace {

using base = knowing_backend;

// ---- pages ----

struct pages_ask_no_consent : knows_later_pages<base> {
    using knows_later_pages::knows_later_pages;
    bool lets(std::string const& user_id, std::string_view what) override { return later_page_ || base::lets(user_id, what); }
};
struct pages_outlive_the_token : knows_later_pages<base> {
    using knows_later_pages::knows_later_pages;
    result<> check_not_expired(peer_record const& peer, instant now) override { return later_page_ ? ok() : base::check_not_expired(peer, now); }
};

/// The settings of the first page travel in the cursor.
struct settings_of_the_first_page : base {
    using base::base;
    json::object feed_page(call const& c, feed_query const& asked) override {
        json::object const now = settings_of(asked.user_id);
        then_ = asked.cursor && asked.cursor->contains("then") ? asked.cursor->at("then").as_object() : now;
        json::object out = base::feed_page(c, asked);
        then_.clear();
        return out;
    }
    json::object cursor_content(json::object content) override {
        if (!then_.empty()) content["then"] = json::object{{"allowed_surfaces", then_.at("allowed_surfaces")}, {"redact_pii", then_.at("redact_pii")}};
        return content;
    }

protected:
    json::object then_;
};
struct surfaces_of_the_first_page : settings_of_the_first_page {
    using settings_of_the_first_page::settings_of_the_first_page;
    bool allows_surface(std::string const& user_id, message const& m) override {
        if (then_.empty()) return settings_of_the_first_page::allows_surface(user_id, m);
        auto const& all = then_.at("allowed_surfaces").as_array();
        return std::find(all.begin(), all.end(), m.received.at("surface")) != all.end();
    }
};
struct redaction_of_the_first_page : settings_of_the_first_page {
    using settings_of_the_first_page::settings_of_the_first_page;
    bool wants_redaction(std::string const& user_id) override {
        return then_.empty() ? settings_of_the_first_page::wants_redaction(user_id) : then_.at("redact_pii") == json::value(true);
    }
};

/// All pages of a pull are of the state at its first.
struct pages_of_a_snapshot : base {
    using base::base;
    json::object feed_page(call const& c, feed_query const& asked) override {
        number_ = asked.cursor && asked.cursor->contains("copy") ? static_cast<std::size_t>(asked.cursor->at("copy").as_int64()) : copies_.size();
        if (number_ == copies_.size()) copies_.push_back({asked.user_id, held().tenants[asked.user_id], false});
        reading_ = true;
        json::object out = base::feed_page(c, asked);
        reading_ = false;
        return out;
    }
    json::object cursor_content(json::object content) override {
        if (reading_) content["copy"] = static_cast<std::int64_t>(number_);
        return content;
    }
    tenant& tenant_of(std::string const& user_id) override { return reading_ && is_shown(copies_[number_]) ? copies_[number_].all : base::tenant_of(user_id); }
    void erase(std::string const& user_id) override {
        base::erase(user_id);
        for (auto& copy : copies_) copy.erased = copy.erased || copy.user_id == user_id;
    }

protected:
    struct copy_of {
        std::string user_id;
        tenant all;
        bool erased;
    };
    virtual bool is_shown(copy_of const& copy) { return !copy.erased; }

private:
    std::vector<copy_of> copies_;
    std::size_t number_ = 0;
    bool reading_ = false;
};
struct pages_outlive_erasure : pages_of_a_snapshot {
    using pages_of_a_snapshot::pages_of_a_snapshot;
    bool is_shown(copy_of const& copy) override { return copy.erased; }
};

/// A cursor says whose data it goes on with.
template <char const* Path>
struct cursor_says_whose : base {
    using base::base;
    result<principal> authenticate(call const& c, unsigned who_may, peer_record* of_path = nullptr) override {
        BSP_TRY(principal who, base::authenticate(c, who_may, of_path));
        if (json::object const said = inside_of_cursor(c); !c.segments.empty() && c.segments.front() == Path && said.contains("u")) who.user_id = json::view(said.at("u").as_string());
        user_ = who.user_id;
        return who;
    }
    json::object cursor_content(json::object content) override {
        content["u"] = user_;
        return content;
    }
    result<std::optional<json::object>> cursor_of(call const& c, std::string_view feed) override {
        json::object const said = inside_of_cursor(c);
        std::string const list{feed.substr(0, feed.find(' '))};
        std::string const made_for = said.contains("f") ? std::string{json::view(said.at("f").as_string())} : std::string{feed};
        return base::cursor_of(c, c.segments.front() == Path && made_for.starts_with(list) ? std::string_view{made_for} : feed);
    }
};
constexpr char of_sync[] = "sync", of_list[] = "conversations", of_events[] = "telemetry";

/// What a cursor names is a place that moves on when a page is given.
struct cursor_moves_on : base {
    using base::base;
    result<std::optional<json::object>> cursor_of(call const& c, std::string_view feed) override {
        BSP_TRY(auto out, base::cursor_of(c, feed));
        std::string const* text = c.parameter("cursor");
        text_ = text && feed.starts_with("pull") ? *text : "";
        if (auto const moved = moved_.find(text_); moved != moved_.end()) out = moved->second;
        return out;
    }
    json::object cursor_content(json::object content) override {
        if (!text_.empty()) moved_[text_] = json::parse(json::serialize(content))->get_object();
        return content;
    }

private:
    std::string text_;
    std::map<std::string, json::object> moved_;
};
struct cursors_of_a_key : base {
    using base::base;
    json::object feed_page(call const& c, feed_query const& asked) override {
        key_text_ = to_hex(asked.key);
        json::object out = base::feed_page(c, asked);
        key_text_.clear();
        return out;
    }
    json::object cursor_content(json::object content) override {
        if (!key_text_.empty()) content["k"] = key_text_;
        return content;
    }
    answer pull(call const& c, std::string const& peer_id) override {
        json::object const said = inside_of_cursor(c);
        auto const peer = held().peers.find(peer_id);
        if (said.contains("k") && peer != held().peers.end() && json::view(said.at("k").as_string()) != to_hex(peer->second.key.sha256())) return fail(errc::invalid_query, "this cursor was not issued here");
        return base::pull(c, peer_id);
    }

private:
    std::string key_text_;
};
struct puller_knows_what_it_touched : base {
    using base::base;
    json::object feed_page(call const& c, feed_query const& asked) override {
        puller_ = asked.peer_id;
        return base::feed_page(c, asked);
    }
    bool belongs_in_pull(conversation const& c, instant since) override {
        auto const own = c.brought.find(puller_);
        return base::belongs_in_pull(c, since) && (since < instant{0} || own == c.brought.end() || own->second != c.committed);
    }

private:
    std::string puller_;
};
struct nothing_has_no_watermark : base {
    using base::base;
    json::object feed_page(call const& c, feed_query const& asked) override {
        json::object out = base::feed_page(c, asked);
        if (held().tenants[asked.user_id].empty()) out["last_sync"] = nullptr;
        return out;
    }
};
struct nothing_has_no_digest : base {
    using base::base;
    json::object digest_answer(tenant const& all) override {
        json::object out = base::digest_answer(all);
        if (out.at("conversations") == json::value(0)) out["digest"] = "";
        return out;
    }
};
struct digest_of_versions_and_counts : base {
    using base::base;
    json::object digest_answer(tenant const& all) override {
        std::string key;
        for (auto const& [id, c] : all) key += id + ' ' + std::to_string(c.version) + ' ' + c.modified_text + ' ' + std::to_string(c.messages.size()) + ' ' + std::to_string(c.surfaces.size()) + ' ' + std::to_string(c.winner.deleted) + '\n';
        return made_.try_emplace(key, base::digest_answer(all)).first->second;
    }

private:
    std::map<std::string, json::object> made_;
};

// ---- held pulls ----

struct held_until_the_first_token_ends : base {
    using base::base;
    answer hold(call const& c, feed_query const& asked) override {
        ends_[asked.peer_id] = held().peers.at(asked.peer_id).sbt_expires;
        return base::hold(c, asked);
    }
    result<> still_stands(feed_query const& asked, instant now) override {
        if (now >= ends_[asked.peer_id]) return fail(errc::sbt_expired, "the session binding token of this peer has expired");
        return base::still_stands(asked, now);
    }

private:
    std::map<std::string, instant> ends_;
};
struct held_with_the_surfaces_of_arrival : base {
    using base::base;
    answer hold(call const& c, feed_query const& asked) override {
        arrived_with_[asked.peer_id] = settings_of(asked.user_id).at("allowed_surfaces").as_array();
        answer out = base::hold(c, asked);
        arrived_with_.erase(asked.peer_id);
        return out;
    }
    json::object feed_page(call const& c, feed_query const& asked) override {
        auto const found = arrived_with_.find(asked.peer_id);
        if (found != arrived_with_.end()) then_ = found->second;
        json::object out = base::feed_page(c, asked);
        then_.reset();
        return out;
    }
    bool allows_surface(std::string const& user_id, message const& m) override {
        if (!then_) return base::allows_surface(user_id, m);
        return std::find(then_->begin(), then_->end(), m.received.at("surface")) != then_->end();
    }

private:
    std::map<std::string, json::array> arrived_with_;
    std::optional<json::array> then_;
};

}  // namespace

std::vector<fault> states_faults() {
    std::vector<fault> all{
        fourth<pages_ask_no_consent>("F-PRV-650", "consent is asked on the first page of a pull", {"prv/pages-consent"}, false),
        fourth<pages_outlive_the_token>("F-SYN-650", "the pages of a pull outlive the token", {"sbt/expiry-stops-pages"}, false),
        fourth<surfaces_of_the_first_page>("F-PRV-651", "the surfaces of the first page are those of all", {"prv/pages-consent"}, false),
        fourth<redaction_of_the_first_page>("F-PRV-652", "redact_pii of the first page is that of all", {"red/pages"}, false, setting::local),
        fourth<pages_of_a_snapshot>("F-SYN-651", "all pages of a pull are of the state at the first, deleted or not", {"syn/pages-after-deletions"}, false),
        fourth<pages_outlive_erasure>("F-PRV-653", "a pull under way gives what was erased meanwhile", {"prv/pages-erasure"}, false),
        fourth<cursor_says_whose<of_sync>>("F-SYN-652", "the cursor of a pull says whose data follows", {"syn/cursor-of-another"}, false),
        fourth<cursor_says_whose<of_list>>("F-SYN-653", "the cursor of the list says whose conversations follow", {"syn/cursor-of-another"}, false),
        fourth<cursor_says_whose<of_events>>("F-TEL-650", "the cursor of the list of events says whose events follow", {"tel/cursor-of-another"}, false),
        fourth<cursor_moves_on>("F-SYN-654", "a cursor that is used again gives the page after the next", {"syn/cursor-endures"}, true),
        fourth<cursors_of_a_key>("F-SEC-650", "a rotation ends the pulls under way", {"rot/registration-stays"}, false),
        fourth<puller_knows_what_it_touched>("F-SYN-655", "a conversation that the puller changed last is not in its pulls", {"syn/pull-incremental"}, true),
        fourth<nothing_has_no_watermark>("F-SYN-656", "a user without conversations has no last_sync", {"prv/erase-empty"}, false),
        fourth<nothing_has_no_digest>("F-SYN-657", "a user without conversations has the empty digest", {"prv/erase-digest"}, false),
        fourth<digest_of_versions_and_counts>("F-SYN-658", "a digest is made anew when a version or a count has changed", {"syn/digest-follows"}, false),
        fourth<held_until_the_first_token_ends>("F-SYN-659", "a held pull ends with the token under which it began", {"syn/live-pull-renewed"}, false),
        fourth<held_with_the_surfaces_of_arrival>("F-PRV-654", "a held pull keeps the surfaces of its arrival", {"prv/surfaces-while-held"}, false),
    };
    for (auto const list : {states_push_faults, states_write_faults, states_privacy_faults})
        for (auto& f : list()) all.push_back(std::move(f));
    return all;
}

}  // namespace bsp::faulty
