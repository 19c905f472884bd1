#include "../liberties.hpp"

#include <bsp/base/uri.hpp>
#include <bsp/json/parse.hpp>

#include <algorithm>
#include <utility>

/// Liberties in budgets and in the record of what happened.
namespace bsp::faulty {

namespace {

// ---- limits ----

/// Without the trail of chapter 15 nobody expects a limit (chapter 14).
template <class Base>
struct neither_limits_nor_trail : Base {
    using Base::Base;

protected:
    result<> check_budget(call const&, peer_record const&) override { return ok(); }
    typename Base::answer list_audit(call const& c) override { return this->not_found(c); }
};

/// 200 pushes in a minute of the clock, and a date to come back at.
template <class Base>
struct minutes_of_the_clock : Base {
    using Base::Base;

protected:
    result<> check_budget(call const& c, peer_record const& peer) override {
        auto& [minute, used] = used_[this->budget_of(c, peer)];
        if (std::exchange(minute, c.now.seconds / 60) != c.now.seconds / 60) used = 0;
        if (used >= 100) {
            c.retry_after = static_cast<int>(60 - c.now.seconds % 60);
            return fail(errc::rate_limited, "no more pushes in this minute");
        }
        ++used;
        return ok();
    }
    void finish(call const& c, http_response& r) override {
        Base::finish(c, r);
        if (r.status == 429) r.headers.set("Retry-After", http_date(c.now + std::chrono::seconds{c.retry_after}));
    }

private:
    std::map<std::string, std::pair<std::int64_t, int>> used_;
};

/// BSP-LIM-008: of the requests that are no pushes, one in two hundred is beyond a budget of all.
template <class Base>
struct limits_everything : Base {
    using Base::Base;

protected:
    typename Base::answer dispatch(call& c) override {
        bool const is_public = c.path.ends_with("/identity") || c.path.ends_with("/health"), is_push = c.request.method == "POST" && c.path.find("/sync") != c.path.npos;
        if (!is_public && !is_push && ++requests_ % 200 == 0) {
            c.retry_after = 1;
            return fail(errc::rate_limited, "too many requests");
        }
        return Base::dispatch(c);
    }

private:
    unsigned requests_ = 0;
};

// ---- the trail ----

template <class Base>
struct no_trail : Base {
    using Base::Base;

protected:
    typename Base::answer list_audit(call const& c) override {
        auto r = this->problem(fail(errc::not_found, "there is no such thing here"), c);
        auto body = json::parse(r.body).value();
        body.as_object()["status"] = r.status = 501;
        r.body = json::serialize(body);
        return r;
    }
};

template <class Base>
struct further_entries : Base {
    using Base::Base;

protected:
    json::object audit_entry(audit_record const& r) override {
        auto out = Base::audit_entry(r);
        auto t = r.at;
        t.nanoseconds = 0;
        out["timestamp"] = format_timestamp(t);
        if (r.peer_id.empty()) out.erase("peer_id");
        out["id"] = 17;
        out["seal"] = std::string(64, 'a');
        out["actor"] = nullptr;
        out["details"].as_object()["node"] = json::array{1, json::object{{"zone", "eu"}}};
        return out;
    }
    void record(audit_record r) override {
        r.at.nanoseconds = 0;
        Base::record(std::move(r));
    }
    typename Base::answer list_audit(call const& c) override {
        auto r = Base::list_audit(c);
        if (!r) return r;
        auto body = json::parse(r->body).value().as_object();
        body["event_types"] = json::array{json::object{{"event_type", "sync_accepted"}, {"title", "a push"}}};
        body["total"] = this->held().audit.size();
        return this->json_answer(200, body);
    }
};

/// Pages of seven looked at, whatever was asked for; the filters come afterwards. Cursors are numbers in text.
template <class Base>
struct small_pages : Base {
    using Base::Base;

protected:
    typename Base::answer list_audit(call const& c) override {
        BSP_CHECK(this->authenticate(c, admin_may));
        BSP_TRY(std::size_t const limit, this->limit_of(c));
        instant since{-1'000'000'000'000, 0};
        if (std::string const* text = c.parameter("since")) {
            auto const t = this->timestamp(*text);
            if (!t) return fail(errc::invalid_query, "since is no timestamp");
            since = *t;
        }
        auto const& all = this->held().audit;
        auto at = static_cast<std::size_t>(std::lower_bound(all.begin(), all.end(), since, [](audit_record const& r, instant t) { return r.at < t; }) - all.begin());
        if (std::string const* text = c.parameter("cursor")) {
            if (text->empty() || text->size() > 9 || text->find_first_not_of("0123456789") != text->npos) return fail(errc::invalid_query, "cursor is none of this server's");
            at = std::stoul(*text);
        }
        json::array entries;
        auto const end = std::min(all.size(), at + 150);
        for (; at < end && entries.size() < std::min<std::size_t>(limit, 70); ++at)
            if (this->is_asked_for(c, all[at], since)) entries.push_back(this->audit_entry(all[at]));
        json::object out{{"entries", std::move(entries)}};
        if (at < all.size()) out["cursor"] = std::to_string(at);
        return this->json_answer(200, out);
    }
};

/// BSP-AUD-031 is advice.
template <class Base>
struct latest_first : Base {
    using Base::Base;

protected:
    typename Base::answer list_audit(call const& c) override {
        BSP_CHECK(this->authenticate(c, admin_may));
        BSP_TRY(std::size_t const limit, this->limit_of(c));
        instant since{-1'000'000'000'000, 0};
        if (std::string const* text = c.parameter("since"))
            if (auto const t = this->timestamp(*text)) since = *t;
        auto const& all = this->held().audit;
        std::size_t at = all.size();
        if (std::string const* text = c.parameter("cursor"); text && text->find_first_not_of("0123456789") == text->npos && !text->empty() && text->size() < 9) at = std::min<std::size_t>(at, std::stoul(*text));
        json::array entries;
        for (; at > 0 && entries.size() < limit && all[at - 1].at >= since; --at)
            if (this->is_asked_for(c, all[at - 1], since)) entries.push_back(this->audit_entry(all[at - 1]));
        json::object out{{"items", std::move(entries)}};
        if (at > 0 && all[at - 1].at >= since) out["cursor"] = std::to_string(at);
        return this->json_answer(200, out);
    }
};

/// BSP-AUD-013: refusals that agree in type and peer are counted, after the first of each, and the count written after a second.
template <class Base>
struct counted_refusals : Base {
    using Base::Base;

protected:
    void record(audit_record r) override {
        write_counts(r.at);
        bool const is_refusal = r.type.ends_with("_rejected") || r.type.ends_with("_failed") || r.type == "rate_limited";
        if (!is_refusal) return Base::record(std::move(r));
        auto const [held, is_first] = counts_.try_emplace({r.type, r.peer_id}, r.at, 0);
        if (is_first) return Base::record(std::move(r));
        ++held->second.second;
    }
    typename Base::answer list_audit(call const& c) override {
        write_counts(c.now);
        return Base::list_audit(c);
    }

private:
    void write_counts(instant now) {
        for (auto at = counts_.begin(); at != counts_.end();) {
            auto const& [began, more] = at->second;
            if (began + std::chrono::seconds{1} > now) {
                ++at;
                continue;
            }
            if (more > 0) Base::record({now, at->first.first, at->first.second, {{"count", more}}});
            at = counts_.erase(at);
        }
    }
    std::map<std::pair<std::string, std::string>, std::pair<instant, int>> counts_;
};

/// BSP-AUD-009, BSP-AUD-022 and BSP-AUD-024 are advice.
template <class Base>
struct late_and_of_other_types : Base {
    using Base::Base;

protected:
    void record(audit_record r) override {
        auto const at = r.at;
        auto const found = this->held().peers.find(r.peer_id);
        if (found != this->held().peers.end()) r.details["user_id"] = found->second.user_id;
        auto const peer_id = r.peer_id;
        Base::record(std::move(r));
        if (++written_ % 3 == 0) Base::record({at, "peer_seen", peer_id, {}});
    }
    bool is_asked_for(call const& c, audit_record const& r, instant since) override { return r.at + std::chrono::milliseconds{2'500} <= c.now && Base::is_asked_for(c, r, since); }
    typename Base::answer list_audit(call const& c) override {
        // Who pages must not pass what is to come.
        auto& all = this->held().audit;
        auto const end = std::find_if(all.begin(), all.end(), [&](audit_record const& r) { return r.at + std::chrono::milliseconds{2'500} > c.now; });
        std::vector<audit_record> const later(end, all.end());
        all.erase(end, all.end());
        auto r = Base::list_audit(c);
        all.insert(all.end(), later.begin(), later.end());
        return r;
    }

private:
    unsigned written_ = 0;
};

/// As much as there is room for, and no cursor.
template <class Base>
struct no_pages : Base {
    using Base::Base;

protected:
    typename Base::answer list_audit(call const& c) override {
        auto r = Base::list_audit(c);
        if (!r) return r;
        auto body = json::parse(r->body).value().as_object();
        body.erase("cursor");
        return this->json_answer(200, body);
    }
};

}  // namespace

std::vector<liberty> limit_and_audit_liberties() {
    return {
        takes<neither_limits_nor_trail>("L-LIM-01", "neither limits nor an audit trail", {"BSP-LIM-002", "BSP-AUD-001"}),
        takes<minutes_of_the_clock>("L-LIM-02", "a budget for each minute of the clock, and Retry-After is a date", {"BSP-LIM-001", "BSP-LIM-010", "BSP-LIM-014"}),
        takes<limits_everything>("L-LIM-03", "one request in two hundred, of any kind but pushes, is beyond a budget of all", {"BSP-LIM-008"}),
        takes<no_trail>("L-AUD-01", "no audit trail, told by 501", {"BSP-AUD-001"}),
        takes<further_entries>("L-AUD-02", "entries with whole seconds, further members and none for no peer, and more beside them", {"BSP-AUD-020", "BSP-AUD-031"}),
        takes<small_pages>("L-AUD-03", "pages of what is left of 150 entries by the filters, with cursors that are numbers", {"BSP-AUD-033", "BSP-AUD-034"}),
        takes<latest_first>("L-AUD-04", "the latest entries first, under another name", {"BSP-AUD-031", "BSP-AUD-035"}),
        takes<counted_refusals>("L-AUD-05", "refusals are counted after the first", {"BSP-AUD-013"}),
        takes<late_and_of_other_types>("L-AUD-06", "entries come after 2.5 s, name the user, and others are among them", {"BSP-AUD-009", "BSP-AUD-022", "BSP-AUD-024"}, setting::plain, {"aud/types", "aud/users", "aud/first-refusal"}),
        takes<no_pages>("L-AUD-07", "no more entries than limit, and no cursor", {"BSP-AUD-031", "BSP-AUD-034"}),
        takes_all<minutes_of_the_clock, limits_everything, further_entries, small_pages, counted_refusals>("L-AUD-99", "the liberties of limits and of the audit trail, all at once"),
    };
}

}  // namespace bsp::faulty
