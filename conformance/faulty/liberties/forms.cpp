#include "../liberties.hpp"

#include <utility>

/// Liberties in the form of answers.
namespace bsp::faulty {

namespace {

/// Answers have a member that no table names. A stored message has all its members from whoever wrote it (BSP-CNV-003), so it gets none.
template <class Base>
struct further_members : Base {
    using Base::Base;

protected:
    http_response json_answer(int status, json::value const& body) override {
        if (!body.is_object() || body.get_object().contains("content")) return Base::json_answer(status, body);
        json::object more = body.get_object();
        more["x_server_note"] = json::object{{"took_ms", 1.5}, {"node", nullptr}};
        return Base::json_answer(status, more);
    }
};

/// Members come in another order.
template <class Base>
struct members_backwards : Base {
    using Base::Base;

protected:
    http_response json_answer(int status, json::value const& body) override { return Base::json_answer(status, turned(body)); }

private:
    static json::value turned(json::value const& v) {
        if (auto const* list = v.if_array()) {
            json::array out;
            for (auto const& e : *list) out.push_back(turned(e));
            return out;
        }
        auto const* o = v.if_object();
        if (!o) return v;
        json::object out;
        for (auto m = o->end(); m != o->begin();) --m, out[m->key()] = turned(m->value());
        return out;
    }
};

}  // namespace

std::vector<liberty> form_liberties() {
    return {
        takes<further_members>("L-GEN-01", "every JSON answer has a member that no table names", {"BSP-GEN-067"}),
        takes<members_backwards>("L-GEN-02", "members come in another order", {"BSP-GEN-014"}),
        takes_all<further_members, members_backwards>("L-GEN-99", "the liberties of forms, all at once"),
    };
}

}  // namespace bsp::faulty
