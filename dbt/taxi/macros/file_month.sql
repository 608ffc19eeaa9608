{# First day of the month in a file name that ends in YYYY-MM.csv. #}
{% macro file_month(filename) -%}
    cast({{ dbt.concat([
        "substr(" ~ filename ~ ", length(" ~ filename ~ ") - 10, 7)",
        "'-01'"
    ]) }} as date)
{%- endmacro %}
