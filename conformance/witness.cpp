#include "witness.hpp"

#include "fields.hpp"
#include "fuzz/leaks.hpp"

#include <bsp/json/parse.hpp>

#include <algorithm>

namespace bsp::conformance {
namespace {

/// Whether a refusal comes from the backend, and not from what stands before it and answers in its own words what it
/// cannot make out (BSP-GEN-090).
bool speaks_for_itself(http_request const& request, int status, bool has_body) {
    static constexpr int by_others[] = {408, 411, 413, 414, 417, 421, 426, 431};
    static constexpr std::string_view usual[] = {"GET", "POST", "PUT", "DELETE"};
    bool const plain = request.target.find_first_of("%\\") == std::string::npos && request.target.find("..") == std::string::npos && request.target.find("//") == std::string::npos;
    return status < 500 && plain && std::ranges::find(usual, request.method) != std::end(usual) && std::ranges::find(by_others, status) == std::end(by_others) && (has_body || status != 400);
}

}  // namespace

void witness::look_at(std::string_view check, std::shared_ptr<step const> const& answered, std::string_view base_path) {
    auto const& request = answered->request;
    auto const& response = answered->got.response;
    int const status = response.status;
    auto const* type = response.headers.find("Content-Type");
    bool const has_body = !response.body.empty() && request.method != "HEAD";
    auto const note_in = [&](std::vector<sighting>& some, std::string expected, std::string actual) {
        std::lock_guard const lock{mutex_};
        if (some.size() < kept) some.push_back({std::string{check}, answered, std::move(expected), std::move(actual)});
    };
    auto const note = [&](common_rule r, std::string expected, std::string actual) { note_in(broken_[static_cast<std::size_t>(r)], std::move(expected), std::move(actual)); };

    if (status >= 500 && status != 501 && status != 503) note(common_rule::no_server_error, "no 5xx status but 501 and 503", std::to_string(status));
    if (has_body && (is_of_type(type, "application/json") || is_of_type(type, "application/problem+json")) && answered->body.is_null() && !json::parse(response.body))
        note(common_rule::readable_json, "a body of the type " + *type + " that is I-JSON", response.body.substr(0, 200));
    if (status >= 400) {
        if (auto const leak = fuzz::leak_in(response.body, request.target + request.body, secrets_); !leak.empty())
            note(common_rule::silent_refusal, "an error that tells nothing of the inside", leak + " in " + response.body.substr(0, 300));
        bool const is_problem = is_of_type(type, "application/problem+json") && integer_at(answered->body, "/status") == status;
        if (!is_problem && speaks_for_itself(request, status, has_body))
            note(common_rule::problem_document, "application/problem+json with the member status " + std::to_string(status), (type ? *type : "no Content-Type") + ", " + response.body.substr(0, 200));
    }
    if (status == 401 && speaks_for_itself(request, status, has_body) && !response.headers.find("WWW-Authenticate")) note(common_rule::challenge, "WWW-Authenticate with 401", "it is absent");
    // Where nobody was authenticated there is nothing to keep from caches, and what stands before the backend may answer.
    bool const authenticated = request.headers.find("Authorization") && (status / 100 == 2 || status == 403 || status == 409 || status == 422);
    if (authenticated && !lists(response.headers, "Cache-Control", "no-store")) note(common_rule::not_stored, "Cache-Control: no-store", joined(response.headers, "Cache-Control"));

    if (status / 100 == 2 && request.target.starts_with(base_path)) {
        std::string_view path = request.target;
        path = path.substr(0, path.find('?')).substr(base_path.size());
        if (auto const m = misshape_of(request.method, path, answered->body)) note_in(misshaped_[static_cast<std::size_t>(m->area)], m->expected + " (" + m->clause + ")", m->actual);
    }

    std::lock_guard const lock{mutex_};
    ++answers_;
}

void witness::after_a_round(std::function<void()> const& make) {
    std::lock_guard const lock{in_the_round_};
    if (round_is_made_) return;
    make();
    round_is_made_ = true;
}

void witness::forget() {
    std::scoped_lock const lock{in_the_round_, mutex_};
    round_is_made_ = false;
    for (auto& some : broken_) some.clear();
    for (auto& some : misshaped_) some.clear();
    answers_ = 0;
}

std::vector<witness::sighting> witness::seen(common_rule r) const {
    std::lock_guard const lock{mutex_};
    return broken_[static_cast<std::size_t>(r)];
}

std::vector<witness::sighting> witness::seen(form_area a) const {
    std::lock_guard const lock{mutex_};
    return misshaped_[static_cast<std::size_t>(a)];
}

std::size_t witness::answers() const {
    std::lock_guard const lock{mutex_};
    return answers_;
}

}  // namespace bsp::conformance
