#include "backend.hpp"

#include <algorithm>

// Pulls that are held until there is something to tell (BSP-SYN-147 to 155).

namespace bsp::faulty {

using clock = std::chrono::steady_clock;

result<std::chrono::seconds> backend::wait_of(call const& c) {
    std::string const* text = c.parameter("wait");
    if (!text) return std::chrono::seconds{};
    bool const is_number = !text->empty() && text->size() <= 2 && text->find_first_not_of("0123456789") == std::string::npos;
    int const seconds = is_number ? std::stoi(*text) : 0;
    if (!is_number || seconds > 30) return fail(errc::invalid_query, "wait is no integer from 0 to 30");
    return std::chrono::seconds{seconds};
}

bool backend::may_be_held(json::object const& page) { return page.at("conversations").as_array().empty() && page.at("has_more") == json::value(false); }

// The lock is given up meanwhile: whatever was found before has to be looked up again.
result<http_response> backend::hold(call const& c, feed_query const& asked) {
    auto const begun = clock::now(), end = begun + asked.wait;
    auto seen = news_of(asked);
    for (;;) {
        commits_.wait_until(mutex_, std::min(end, clock::now() + look_period()), [&] { return news_of(asked) != seen; });
        call later = c;
        later.now = c.now + (clock::now() - begun);
        BSP_CHECK(still_stands(asked, later.now));
        bool const is_over = clock::now() >= end;
        if (!is_over && news_of(asked) == seen) continue;
        seen = news_of(asked);
        json::object page = feed_page(later, asked);
        if (!may_be_held(page)) return json_answer(200, page);
        if (is_over) return at_the_end(std::move(page));
    }
}

result<> backend::still_stands(feed_query const& asked, instant now) {
    BSP_TRY(peer_record const* peer, find_peer(asked.peer_id));
    BSP_CHECK(check_not_revoked(*peer));
    if (!still_counts(*peer, asked.key, now)) return fail(errc::invalid_credential, "the key was replaced");
    return check_not_expired(*peer, now);
}

void backend::announce(tenant const& changed, cause) {
    ++commits_of_[&changed];
    commits_.notify_all();
}

std::uint64_t backend::news_of(feed_query const& asked) { return commits_of_[&tenant_of(asked.user_id)]; }

}  // namespace bsp::faulty
