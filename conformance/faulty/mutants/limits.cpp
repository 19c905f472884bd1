#include "../faults.hpp"

/// Faults of chapter 14.
namespace bsp::faulty {

namespace {

struct no_limit : backend {
    using backend::backend;
    result<> check_budget(call const&, peer_record const&) override { return ok(); }
};
struct sixty_pass : backend {
    using backend::backend;
    std::size_t push_budget() override { return 60; }
};
struct ninety_nine_pass : backend {
    using backend::backend;
    std::size_t push_budget() override { return 99; }
    milliseconds push_comes_back() override { return std::chrono::minutes{1}; }
    int budget_wait(call const&, std::string const&) override { return 1; }
};
struct no_bursts : backend {
    using backend::backend;
    std::size_t push_budget() override { return 20; }
    milliseconds push_comes_back() override { return milliseconds{300}; }
};
struct thousand_pass : backend {
    using backend::backend;
    std::size_t push_budget() override { return 1'000; }
};
struct nobody_says_when : backend {
    using backend::backend;
    void finish(call const& c, http_response& r) override {
        backend::finish(c, r);
        if (r.status != 429) return;
        http_headers kept;
        for (auto const& [name, value] : r.headers)
            if (name != "Retry-After") kept.add(name, value);
        r.headers = kept;
    }
};
template <int N>
struct says : backend {
    using backend::backend;
    void finish(call const& c, http_response& r) override {
        backend::finish(c, r);
        if (r.status == 429) r.headers.set("Retry-After", N == 0 ? "0" : N == 1 ? "soon" : N == 2 ? "0.6" : "3600");
    }
};
struct by_address : backend {
    using backend::backend;
    std::string budget_of(call const& c, peer_record const&) override { return c.request.remote.substr(0, c.request.remote.find(':')); }
};
struct by_user : backend {
    using backend::backend;
    std::string budget_of(call const&, peer_record const& peer) override { return peer.user_id; }
};
struct anyone_spends : backend {
    using backend::backend;
    result<> verify_payload(call const& c, json::object const& body, peer_record const& peer) override {
        auto const r = backend::verify_payload(c, body, peer);
        if (!r) spend(c, peer.peer_id);
        return r;
    }
};
struct broken_bodies_spend : backend {
    using backend::backend;
    result<json::object> parse_object(call const& c) override {
        auto r = backend::parse_object(c);
        if (!r && !c.peer_id.empty())
            for (int i = 0; i < 3; ++i) spend(c, c.peer_id);
        return r;
    }
};
struct applied_first : backend {
    using backend::backend;
    answer push(call const& c, std::string const& peer_id) override {
        auto r = backend::push(c, peer_id);
        if (!r && r.error().code == errc::rate_limited) {
            peer_record& peer = held().peers.at(peer_id);
            json::object const body = parse_object(c).value();
            auto const incoming = decode_conversations(json::fields{body}, peer, c.now);
            if (incoming) apply(peer, *incoming, c.now);
        }
        return r;
    }
};
struct refusal_is_remembered : backend {
    using backend::backend;
    answer push(call const& c, std::string const& peer_id) override {
        auto r = backend::push(c, peer_id);
        if (!r && r.error().code == errc::rate_limited) {
            json::object const body = parse_object(c).value();
            remember(receipt_key(held().peers.at(peer_id), std::string{json::view(body.at("sync_id").as_string())}), receipt{});
        }
        return r;
    }
};
struct acknowledged_later_without_effect : backend {
    using backend::backend;
    answer push(call const& c, std::string const& peer_id) override {
        auto r = backend::push(c, peer_id);
        if (!r && r.error().code == errc::rate_limited) {
            json::object const body = parse_object(c).value();
            std::string const sync_id{json::view(body.at("sync_id").as_string())};
            remember(receipt_key(held().peers.at(peer_id), sync_id), receipt{digest_of(body), push_answer(sync_id, {})});
        }
        return r;
    }
};
struct never_again : backend {
    using backend::backend;
    milliseconds push_comes_back() override { return std::chrono::minutes{10}; }
    int budget_wait(call const&, std::string const&) override { return 60; }
};

/// INCR, and EXPIRE 60.
struct minute_begins_with_each_push : backend {
    using backend::backend;
    bool is_limited(call const& c, std::string const& whose) override {
        auto& [count, end] = counters_[whose];
        if (c.now >= end) count = 0;
        end = c.now + std::chrono::minutes{1};
        return ++count > 150;
    }
    void spend(call const&, std::string const&) override {}
    int budget_wait(call const&, std::string const&) override { return 60; }

private:
    std::map<std::string, std::pair<int, instant>> counters_;
};

}  // namespace

std::vector<fault> limit_faults() {
    return {
        {"F-SEC-13", "pushes are not limited", {"lim/excess"}, make<no_limit>},
        {"F-SEC-14", "60 pushes are enough for a minute", {"lim/hundred"}, make<sixty_pass>},
        {"F-SEC-15", "429 comes without Retry-After", {"lim/excess"}, make<nobody_says_when>},
        {"F-SEC-16", "the budget belongs to the remote address", {"lim/others"}, make<by_address>},
        {"F-SEC-17", "the payload of a push that is answered with 429 is applied", {"lim/no-effect"}, make<applied_first>},
        {"F-SEC-18", "a budget that was used up stays so", {"lim/good-later"}, make<never_again>},
        {"F-SEC-201", "the hundredth push is refused", {"lim/hundred"}, make<ninety_nine_pass>},
        {"F-SEC-202", "a budget of 200 a minute that lets 20 pass at once", {"lim/hundred"}, make<no_bursts>},
        {"F-SEC-203", "1,000 pushes pass", {"lim/excess"}, make<thousand_pass>},
        {"F-SEC-204", "Retry-After is 0", {"lim/excess"}, make<says<0>>},
        {"F-SEC-205", "Retry-After is a word", {"lim/excess"}, make<says<1>>},
        {"F-SEC-206", "Retry-After has a fraction", {"lim/excess"}, make<says<2>>},
        {"F-SEC-207", "Retry-After is an hour", {"lim/wait"}, make<says<3>>},
        {"F-SEC-208", "the budget belongs to the user", {"lim/others"}, make<by_user>},
        {"F-SEC-209", "forged pushes use up the budget of the peer they name", {"lim/garbage"}, make<anyone_spends>},
        {"F-SEC-210", "bodies that cannot be read use up the budget of the peer of the path", {"lim/garbage"}, make<broken_bodies_spend>},
        tried<minute_begins_with_each_push>(11, false, "F-SEC-1010", "every push, a refused one too, begins the minute of its peer anew", {"lim/going-on"}),
        {"F-SEC-211", "a push that was answered with 429 is a reuse of its sync_id when it comes again", {"lim/good-later"}, make<refusal_is_remembered>},
        {"F-SEC-212", "a push that was answered with 429 is acknowledged as a repetition when it comes again, and never applied", {"lim/good-later"}, make<acknowledged_later_without_effect>},
    };
}

}  // namespace bsp::faulty
