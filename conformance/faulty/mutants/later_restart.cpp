#include "later.hpp"

#include <algorithm>

/// What a restart forgets that showed only later: stamps, fractions, counters.
namespace bsp::faulty {

namespace {

using base = knowing_backend;

struct receipts_without_digests : base {
    using base::base;
    void restart() override {
        for (auto const& [key, r] : held().receipts) old_.insert(key);
    }
    sha256_digest digest_of(json::object const& body) override { return last_ = base::digest_of(body); }
    receipt const* recall(std::pair<std::string, std::string> const& key) override {
        receipt const* found = base::recall(key);
        if (!found || !old_.contains(key)) return found;
        read_ = *found;
        read_.conversations = last_;
        return &read_;
    }

private:
    std::set<std::pair<std::string, std::string>> old_;
    sha256_digest last_{};
    receipt read_;
};
/// One column of versions, which is the conversation's.
struct versions_by_the_conversation : base {
    using base::base;
    void restart() override { restarted_ = true; }
    std::int64_t next_version(conversation const& c, std::string const& message_id) override {
        return restarted_ ? std::min(c.version + 1, (std::int64_t{1} << 53) - 1) : base::next_version(c, message_id);
    }

private:
    bool restarted_ = false;
};
struct reads_back_otherwise : base {
    using base::base;
    void restart() override {
        for (auto& [user_id, all] : held().tenants)
            for (auto& [id, c] : all) read_back(c);
    }

protected:
    virtual void read_back(conversation& c) = 0;
};
/// There is one pair of columns for what is emitted and for the stamp of the winning write.
struct stamps_not_kept : reads_back_otherwise {
    using reads_back_otherwise::reads_back_otherwise;
    void read_back(conversation& c) override {
        c.winner.version = c.version;
        c.winner.modified = c.modified;
    }
};
struct latest_time_not_kept : reads_back_otherwise {
    using reads_back_otherwise::reads_back_otherwise;
    void read_back(conversation& c) override {
        c.modified = c.winner.modified;
        c.modified_text = std::string{json::view(c.winner.received.at("last_modified").as_string())};
    }
};
struct milliseconds_kept : reads_back_otherwise {
    using reads_back_otherwise::reads_back_otherwise;
    void read_back(conversation& c) override {
        for (auto& [id, m] : c.messages) m.written.nanoseconds -= m.written.nanoseconds % 1'000'000;
        for (instant* t : {&c.winner.modified, &c.modified}) t->nanoseconds -= t->nanoseconds % 1'000'000;
    }
};
struct redaction_not_kept : reads_back_otherwise {
    using reads_back_otherwise::reads_back_otherwise;
    void read_back(conversation& c) override {
        for (auto& [id, m] : c.messages) m.redacted = false;
        c.winner.redacted = false;
    }
};
struct event_numbers_begin_again : base {
    using base::base;
    void restart() override { numbers_ = 0; }
    void store(telemetry_event e) override {
        std::size_t const before = held().events.size();
        base::store(std::move(e));
        if (held().events.size() > before) held().events.back().number = ++numbers_;
    }

private:
    std::int64_t numbers_ = 0;
};
struct arrivals_not_kept : base {
    using base::base;
    void restart() override {
        for (auto& e : held().events) e.arrived = instant{};
    }
};

}  // namespace

std::vector<fault> later_restart_faults() {
    constexpr auto after = setting::restart;
    return {
        fifth<receipts_without_digests>("F-SYN-900", "after a restart every push of a known sync_id is a repetition", {"mrg/decides-after-restart"}, true, after),
        fifth<versions_by_the_conversation>("F-SYN-901", "after a restart versions are counted from the conversation alone", {"mrg/decides-after-restart"}, true, after),
        fifth<stamps_not_kept>("F-SYN-902", "a restart takes what is emitted for the stamp of the winning write", {"mrg/decides-after-restart"}, false, after),
        fifth<latest_time_not_kept>("F-SYN-904", "a restart takes the last_modified of the winning write for the latest", {"mrg/decides-after-restart"}, true, after),
        fifth<milliseconds_kept>("F-SYN-905", "a restart cuts instants to milliseconds", {"mrg/decides-after-restart"}, false, after),
        fifth<redaction_not_kept>("F-SYN-906", "a restart forgets what is redacted", {"mrg/decides-after-restart"}, false, after),
        fifth<event_numbers_begin_again>("F-TEL-850", "a restart counts events from the beginning", {"tel/restart"}, false, after),
        fifth<arrivals_not_kept>("F-TEL-851", "a restart forgets when events arrived", {"tel/restart"}, true, after),
    };
}

}  // namespace bsp::faulty
