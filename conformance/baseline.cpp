#include "baseline.hpp"

#include "json.hpp"
#include "registry.hpp"

#include <bsp/base/instant.hpp>
#include <bsp/json/parse.hpp>

#include <set>

namespace bsp::conformance {

result<std::vector<expected_failure>> read_baseline(std::string_view text) {
    BSP_TRY(auto const v, json::parse(text));
    auto const* list = at(v, "/expected_failures");
    if (!list || !list->is_array()) return fail(errc::bad_request, "it has no array expected_failures");
    std::vector<expected_failure> out;
    std::set<std::string> seen;
    for (auto const& row : list->get_array()) {
        expected_failure one{text_at(row, "/check"), text_at(row, "/reason"), text_at(row, "/comment"), text_at(row, "/expires")};
        auto const bad = [&](std::string const& what) { return fail(errc::bad_request, "entry " + std::to_string(out.size() + 1) + " (" + one.check + "): " + what); };
        if (!find_check(one.check)) {
            std::vector<std::string> ids;
            for (auto const& c : all_checks()) ids.emplace_back(c.check->id);
            auto const near = did_you_mean(one.check, ids);
            return bad("there is no such check" + (near.empty() ? "" : "; did you mean " + near + "?"));
        }
        if (one.reason.empty() || one.comment.empty()) return bad("reason and comment are required");
        if (!parse_timestamp(one.expires + "T00:00:00Z")) return bad("expires is not a date such as 2026-06-30");
        if (!seen.insert(one.check).second) return bad("the check is named twice");
        out.push_back(std::move(one));
    }
    return out;
}

bool has_expired(expected_failure const& entry, std::string_view today) { return entry.expires < today; }

}  // namespace bsp::conformance
