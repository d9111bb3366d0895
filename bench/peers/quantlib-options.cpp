// QuantLib beside the pricing kernels: blackFormula, BlackCalculator, the instrument machinery (VanillaOption with
// AnalyticEuropeanEngine, asked for its value and greeks after the spot has moved), and both ways to an implied volatility.
// Times to expiry are whole days of 365. Needs libquantlib0-dev.
#include "peer.hpp"
#include <ql/exercise.hpp>
#include <ql/instruments/vanillaoption.hpp>
#include <ql/pricingengines/blackcalculator.hpp>
#include <ql/pricingengines/blackformula.hpp>
#include <ql/pricingengines/vanilla/analyticeuropeanengine.hpp>
#include <ql/processes/blackscholesprocess.hpp>
#include <ql/quotes/simplequote.hpp>
#include <ql/termstructures/volatility/equityfx/blackconstantvol.hpp>
#include <ql/termstructures/yield/flatforward.hpp>
#include <ql/time/calendars/nullcalendar.hpp>
#include <ql/time/daycounters/actual365fixed.hpp>

using namespace QuantLib;

struct Row {
    Option::Type type;
    double forward, strike, years, discount, volatility, price;
};

static double formula(const std::vector<Row>& rows) {
    double sum = 0;
    for (const Row& row : rows)
        sum += blackFormula(row.type, row.strike, row.forward, row.volatility * std::sqrt(row.years), row.discount);
    return sum;
}

static double calculator(const std::vector<Row>& rows) {
    double sum = 0, others = 0;
    for (const Row& row : rows) {
        const BlackCalculator black(row.type, row.strike, row.forward, row.volatility * std::sqrt(row.years), row.discount);
        sum += black.value();
        others += black.deltaForward() + black.gammaForward() + black.vega(row.years);
        others += black.theta(row.forward, row.years) + black.rho(row.years);
    }
    return others == 12345 ? 0 : sum;
}

static double impliedByFormula(const std::vector<Row>& rows) {
    double sum = 0;
    for (const Row& row : rows)
        sum += blackFormulaImpliedStdDev(row.type, row.strike, row.forward, row.price, row.discount, 0.0, Null<Real>(), 1e-12) /
               std::sqrt(row.years);
    return sum;
}

// A chain as its users build it: one spot, one curve, a volatility for each option. What the underlying yields is what money
// earns, so the spot is the forward.
struct Machinery {
    ext::shared_ptr<SimpleQuote> spot = ext::make_shared<SimpleQuote>(0.0);
    std::vector<ext::shared_ptr<VanillaOption>> options;
    std::vector<ext::shared_ptr<GeneralizedBlackScholesProcess>> processes;
    std::vector<double> prices;
    double base = 0;
    int bumps = 0;

    Machinery(const std::vector<Row>& rows, Date today) {
        const Actual365Fixed dayCounter;
        const double forward = rows[0].forward;
        base = forward;
        spot->setValue(forward);
        const Handle<Quote> quote(spot);
        const double interest = -std::log(rows[0].discount) / rows[0].years;
        const Handle<YieldTermStructure> flat(ext::make_shared<FlatForward>(today, interest, dayCounter));
        for (const Row& row : rows) {
            // The strike of the same moneyness: all options of a machinery have one underlying.
            const auto payoff = ext::make_shared<PlainVanillaPayoff>(row.type, row.strike * forward / row.forward);
            const auto exercise = ext::make_shared<EuropeanExercise>(today + Integer(std::lround(row.years * 365)));
            const Handle<BlackVolTermStructure> volatility(
                ext::make_shared<BlackConstantVol>(today, NullCalendar(), row.volatility, dayCounter));
            processes.push_back(ext::make_shared<BlackScholesMertonProcess>(quote, flat, flat, volatility));
            options.push_back(ext::make_shared<VanillaOption>(payoff, exercise));
            options.back()->setPricingEngine(ext::make_shared<AnalyticEuropeanEngine>(processes.back()));
            prices.push_back(options.back()->NPV());
        }
    }

    double afterBump() {
        spot->setValue(base * (1 + 1e-4 * (++bumps % 7)));
        double sum = 0, others = 0;
        for (const auto& option : options) {
            sum += option->NPV();
            others += option->delta() + option->gamma() + option->vega() + option->theta() + option->rho();
        }
        return others == 12345 ? 0 : sum;
    }

    double implied() {
        spot->setValue(base);
        double sum = 0;
        for (std::size_t row = 0; row < options.size(); row++)
            sum += options[row]->impliedVolatility(prices[row], processes[row], 1e-10, 200, 1e-4, 10);
        return sum;
    }
};

int main(int, char** arguments) {
    const std::vector<Column> in = readColumns(arguments[1], 7);
    std::vector<Row> rows;
    for (std::size_t row = 0; row < in[0].size(); row++)
        rows.push_back({in[0][row] > 0 ? Option::Call : Option::Put, in[1][row], in[2][row], in[3][row], in[4][row],
                        in[5][row], in[6][row]});
    const Date today(22, November, 2026);
    Settings::instance().evaluationDate() = today;
    Machinery machinery(rows, today);
    answer({
        {"formula", {rows.size(), [&] { return formula(rows); }}},
        {"calculator", {rows.size(), [&] { return calculator(rows); }}},
        {"machinery", {rows.size(), [&] { return machinery.afterBump(); }}},
        {"implied-formula", {rows.size(), [&] { return impliedByFormula(rows); }}},
        {"implied-machinery", {rows.size(), [&] { return machinery.implied(); }}},
    });
}
