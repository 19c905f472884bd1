#include "clauses.hpp"

#include "json.hpp"
#include "registry.hpp"

#include <boost/json/parse.hpp>

#include <algorithm>
#include <set>
#include <unordered_map>

namespace bsp::conformance {

namespace embedded {
extern std::string_view const clauses_json;
extern std::span<std::pair<std::string_view, std::string_view> const> const spec_text;
}

clause_set const& specification() {
    static clause_set const set = [] {
        json::value const v = boost::json::parse({embedded::clauses_json.data(), embedded::clauses_json.size()});
        clause_set out{text_at(v, "/spec"), text_at(v, "/clause_set_hash"), {}};
        for (auto const& row : objects_at(v, "/clauses")) {
            json::value const c = row;
            clause one{text_at(c, "/id"), text_at(c, "/profile"), text_at(c, "/level"), text_at(c, "/role"), text_at(c, "/sentence"),
                       text_at(c, "/file"), text_at(c, "/anchor"), {}};
            if (auto const* why = at(c, "/untested"); why && why->is_string()) one.untested = text_at(c, "/untested");
            out.clauses.push_back(std::move(one));
        }
        return out;
    }();
    return set;
}

std::span<std::pair<std::string_view, std::string_view> const> specification_text() noexcept { return embedded::spec_text; }

clause const* find_clause(std::string_view id) {
    static auto const index = [] {
        std::unordered_map<std::string_view, clause const*> out;
        for (auto const& c : specification().clauses) out.emplace(c.id, &c);
        return out;
    }();
    auto const found = index.find(id);
    return found == index.end() ? nullptr : found->second;
}

std::vector<std::string> flaws_of_the_suite() {
    std::vector<std::string> out;
    std::set<std::string_view> seen;
    auto const of_grammar = [](std::string_view text) {
        return !text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
    };
    for (auto const& row : all_checks()) {
        auto const& c = *row.check;
        auto const flaw = [&](std::string const& what) { out.push_back("check " + std::string{c.id} + ": " + what); };
        auto const slash = c.id.find('/');
        if (slash == std::string_view::npos || !of_grammar(c.id.substr(0, slash)) || !of_grammar(c.id.substr(slash + 1))) flaw("its id is not area/slug");
        if (!seen.insert(c.id).second) flaw("its id occurs twice");
        if (!c.run) flaw("it has no function");
        if (c.clauses.empty()) flaw("it names no clause");
        if (c.title.empty() || c.impact.empty() || c.likely_cause.empty()) flaw("title, impact or likely cause is empty");
        for (auto const id : c.clauses)
            if (!find_clause(id)) flaw("unknown clause " + std::string{id});
    }
    return out;
}

}  // namespace bsp::conformance
